"""Cards: what a data set declares of itself, read from TOML, written, and inferred from folders."""
