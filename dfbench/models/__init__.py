"""Vectors or images to scores: classical estimators, networks, training, tuning."""
