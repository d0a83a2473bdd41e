"""Data sets: cards, layouts, splits, groups, kinds, the manifest, the catalogue."""
