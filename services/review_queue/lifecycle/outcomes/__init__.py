"""Outcomes: an item's final label by revisions, and the feed of them."""
