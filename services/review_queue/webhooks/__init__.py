"""Signed webhooks: outcomes are told to receivers, at least once each (ADR 10)."""
