"""Tasks that were decided on in SQL: posted to the review queue, or withdrawn, until it knows."""
