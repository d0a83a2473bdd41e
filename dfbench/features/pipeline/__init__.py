"""The single pass over the images, and the store of what came of it."""
