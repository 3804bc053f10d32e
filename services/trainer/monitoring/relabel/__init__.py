"""Relabel plans: which items of the new traffic people are to label."""
