"""Estimators over feature vectors."""
