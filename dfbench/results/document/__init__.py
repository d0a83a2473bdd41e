"""What a page consists of, as plain data, and how figures are put into words."""
