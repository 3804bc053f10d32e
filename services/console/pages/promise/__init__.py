"""The promise: the first page of a project."""
