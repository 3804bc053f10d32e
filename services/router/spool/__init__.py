"""Tasks kept durably on this disk until the review queue has taken them."""
