"""Unlabelled items: imported once, taken in a random order that no content decides."""
