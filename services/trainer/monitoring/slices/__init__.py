"""Failing slices: kinds of items on which a version is wrong more often than elsewhere."""
