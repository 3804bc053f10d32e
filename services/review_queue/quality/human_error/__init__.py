"""How often reviewers overlook a known error, and how often two of them disagree."""
