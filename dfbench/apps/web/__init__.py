"""The web page: pictures dropped into a browser and what kept detectors say of them."""
