"""What a run leaves on disk: records, per-image scores, provenance."""
