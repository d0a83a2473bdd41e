"""What is chosen on the tuning split: parameters, calibration, thresholds, weights of ensembles."""
