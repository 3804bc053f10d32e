"""The reviewers' page in a real browser."""
