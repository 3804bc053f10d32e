"""Drift: whether the items have changed."""
