"""Leases: claimed, renewed, released, expired."""
