"""Reviewers: how well they do, who may come in, and who is paused."""
