"""The outcomes feed of the review queue, read by cursor."""
