"""How a suite is run: plan, cells, executor."""
