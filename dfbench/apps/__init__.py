"""Kept detectors in a person's hands: a page in the browser, a window on the desktop."""
