"""How an image is changed before anything sees it."""
