"""The extractors, one family a file."""
