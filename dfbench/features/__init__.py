"""Images to vectors: the extractors, the single pass over the images, the store."""
