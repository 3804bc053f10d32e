"""The client for threads, generated."""
