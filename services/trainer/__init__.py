"""Trainer: turns verdicts into model versions, and proves what each may answer alone."""
