"""The three services and the local launcher; services never import one another."""
