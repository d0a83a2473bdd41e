"""How the images of a data set lie on disk, and where their labels stand."""
