"""Layouts: how images lie and where their labels are told; a file for each, listed in `all`."""
