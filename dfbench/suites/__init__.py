"""What is run: data sets (cards, layouts, splits, manifests) and suites."""
