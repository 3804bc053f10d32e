"""Drift: whether the items that come now are like those that came before."""
