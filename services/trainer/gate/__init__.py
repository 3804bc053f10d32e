"""The promotion gate: whether a version may take the champion's place, and the record of it."""
