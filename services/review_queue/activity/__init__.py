"""The activity log: who did what in the review queue, only ever added to."""
