"""The router's own routes."""
