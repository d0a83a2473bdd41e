"""Networks over images, trained end to end or on a backbone."""
