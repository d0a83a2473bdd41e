"""Protocols: what is asked of rows beside the usual figures, a class each."""
