"""Demo on real data: social posts, their human ratings, and reviewers who draw from them."""
