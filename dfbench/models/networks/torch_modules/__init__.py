"""torch modules of the networks that are built here; imported when one is fitted."""
