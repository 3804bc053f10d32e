"""Which items of the pool people label next."""
