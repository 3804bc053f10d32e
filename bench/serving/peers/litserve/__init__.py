"""LitServe, with one worker."""
