"""Immutable model versions, and the channels that name them."""
