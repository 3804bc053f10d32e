"""The review queue: projects, tasks, leases, verdicts and the outcomes feed."""
