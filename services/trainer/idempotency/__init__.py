"""Requests that create something, and act once however often they are repeated."""
