"""Every statement about what reviewers did, and how their answers compare."""
