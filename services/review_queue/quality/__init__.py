"""The quality of labels and of reviewers."""
