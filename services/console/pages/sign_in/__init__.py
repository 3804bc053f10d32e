"""Sign in by a one-time link or a token, and sign out."""
