"""The decision log: one row a decision, in local segments, shipped to the store."""
