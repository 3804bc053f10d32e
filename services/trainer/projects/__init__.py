"""Projects as the store has them, and the row of each that is its lock."""
