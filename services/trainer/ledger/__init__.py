"""The router's decision log, read from the store into a table."""
