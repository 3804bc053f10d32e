"""Immutable model versions, and the channels that point at them."""
