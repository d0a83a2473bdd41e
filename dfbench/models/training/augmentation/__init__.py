"""Random changes of training images: `changes` lists them, `mixes` those that mix two images."""
