"""The images of calls, decoded in batches."""
