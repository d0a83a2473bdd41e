"""The forms that a board is written in."""
