"""What callers are told of an item afterwards: the reviewers' outcome, else the answer it got."""
