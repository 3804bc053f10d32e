"""Surehand as the machine-learning backend of a real Label Studio, from one command."""
