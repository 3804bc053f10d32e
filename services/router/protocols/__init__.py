"""How callers speak to the router; each protocol in a module of its own."""
