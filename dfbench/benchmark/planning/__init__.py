"""What is to be run: rows, cells, the plan."""
