"""From a graph's answer to a decision: the same rules for routers and for scoring jobs (pure)."""
