"""channels.json and promise.json, which routers follow and one trainer a project writes."""
