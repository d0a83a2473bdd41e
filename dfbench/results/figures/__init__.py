"""Figures as functions from plain data to a matplotlib figure; loaded only where one is drawn."""
