"""How a plain folder is read: what in it tells the labels."""
