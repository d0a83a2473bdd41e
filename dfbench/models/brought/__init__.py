"""Models that others wrote: estimators of scikit-learn's interface, by import path or function."""
