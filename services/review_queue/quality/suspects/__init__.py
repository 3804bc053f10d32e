"""What looks mislabelled: resolved tasks to look at a second time."""
