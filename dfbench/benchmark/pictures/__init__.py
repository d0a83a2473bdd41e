"""Pictures of each cell: what its scores, its training and its model look like, a class each."""
