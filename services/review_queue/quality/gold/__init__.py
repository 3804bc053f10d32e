"""Gold: items with a known label, given to reviewers unseen among the others, and what it tells."""
