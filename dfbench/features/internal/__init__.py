"""Extractors that no user names: what networks and the search for copies need of each image."""
