"""The figures of many projects at once, and of one over time."""
