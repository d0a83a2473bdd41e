"""What is wrong with the data before any row is believed: leaks, shortcuts."""
