"""Routes: parse, call one function, return."""

from services.review_queue.api import exchange, leases, outcomes, projects, tasks

ROUTERS = (projects.router, tasks.router, leases.router, outcomes.router, exchange.router)
