"""Frozen, content-addressed snapshots of labels."""
