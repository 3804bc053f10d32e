"""One-time links, and the tokens that they give."""
