"""Data sets from the Hugging Face hub, or one that answers alike."""
