"""The engine that trains every network, and what can be said of a training."""
