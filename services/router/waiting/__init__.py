"""Waiting for people: many calls, and one follower of the outcomes feed a project."""
