"""Tasks: taken in, listed, shown, reopened."""
