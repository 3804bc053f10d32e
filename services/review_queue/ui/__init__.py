"""The reviewers' page: entry by link or token, pages, and what their scripts ask for."""
