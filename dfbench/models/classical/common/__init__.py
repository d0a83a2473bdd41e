"""What estimators over feature vectors share: rows by block, scaling, kernels, solvers."""
