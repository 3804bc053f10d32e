"""Whether the first labels suffice for a first version."""
