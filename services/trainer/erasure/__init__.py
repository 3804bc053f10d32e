"""Items that were erased at the review queue: what the trainer has of their content goes too."""
