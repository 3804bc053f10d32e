"""Figures about versions that prove nothing: reliability, and what another promise would mean."""
