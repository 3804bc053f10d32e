"""Routes of tasks, leases and outcomes."""
