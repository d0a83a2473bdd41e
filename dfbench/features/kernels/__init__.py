"""Compiled kernels, each under the name of the extractor that it is of."""
