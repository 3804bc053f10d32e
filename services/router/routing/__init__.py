"""What becomes of an item: pure rules."""
