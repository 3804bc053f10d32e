"""Erasure of items on request: their content goes, a tombstone stays."""
