"""Integration tests of the client."""
