"""The reviewers' desk: items one by one, and what reviewers and operators say of them."""
