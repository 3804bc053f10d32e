"""Items that were erased at the review queue: the trainer deletes its copies of their content."""
