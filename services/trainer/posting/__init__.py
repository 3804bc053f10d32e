"""Tasks that were decided on in SQL, posted to the review queue until it acknowledges them."""
