"""The ceiling: an ASGI application without a framework."""
