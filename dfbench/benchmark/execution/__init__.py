"""How a plan is run: one pass over the images, then cells in worker processes."""
