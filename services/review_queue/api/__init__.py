"""Routes: parse, call one function, return."""

from services.review_queue.api import leases, outcomes, people, projects, tasks

ROUTERS = (projects.router, tasks.router, leases.router, outcomes.router, people.router)
