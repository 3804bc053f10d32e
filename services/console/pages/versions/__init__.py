"""Model versions, training runs, and which version answers."""
