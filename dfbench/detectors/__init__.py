"""Trained rows that are kept: written to a file, loaded, asked about pictures, explained."""
