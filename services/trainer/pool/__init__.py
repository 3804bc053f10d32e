"""Unlabelled items: imported once, taken in a random order independent of their content."""
