"""Programs to read, run and take from; the guides and tutorials use them."""
