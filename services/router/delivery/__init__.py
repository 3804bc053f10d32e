"""Tasks on their way to the review queue, and what became of them."""
