"""People: how far reviewers agree, what each has done, whom to trust, what looks mislabelled."""
