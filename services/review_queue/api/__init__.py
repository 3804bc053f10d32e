"""Routes: parse, call one function, return."""

from services.review_queue.api import leases, outcomes, projects, tasks, webhooks

ROUTERS = (projects.router, tasks.router, leases.router, outcomes.router, webhooks.router)
