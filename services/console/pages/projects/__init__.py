"""All projects, a row each."""
