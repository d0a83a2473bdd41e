"""What protocols beside the usual one came to: figures and sections, from stored scores alone."""
