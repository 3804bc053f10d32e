"""Which items of the pool people label next, and what their labels have brought so far."""
