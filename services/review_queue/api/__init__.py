"""Routes: parse, call one function, return."""

from services.review_queue.api import leases, outcomes, projects, tasks, timings

ROUTERS = (projects.router, tasks.router, leases.router, outcomes.router, timings.router)
