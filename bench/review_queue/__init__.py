"""The review queue beside its peers: raw SQL, a plain FastAPI wrapper, Label Studio."""
