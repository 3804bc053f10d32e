"""Consensus: from verdicts to a label, and whether one more reviewer should be asked (pure)."""
