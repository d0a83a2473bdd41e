"""The cache folder: what lies in it, what of it may go, whether it is sound."""
