"""channels.json and promise.json: what routers follow, written by one trainer a project."""
