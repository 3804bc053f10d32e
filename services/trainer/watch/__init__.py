"""Audits of automatic answers, what they stop, and what the API says of a promise."""
