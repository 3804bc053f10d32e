"""Routes: parse, call one function, return."""

from services.review_queue.api import (
    exchange,
    feedback,
    gold,
    leases,
    outcomes,
    people,
    projects,
    tasks,
    timings,
    webhooks,
)

ROUTERS = (
    projects.router,
    tasks.router,
    leases.router,
    outcomes.router,
    timings.router,
    feedback.router,
    webhooks.router,
    people.router,
    gold.router,
    exchange.router,
)
