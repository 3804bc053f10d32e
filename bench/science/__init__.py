"""Published figures of the statistics, simulated again."""
