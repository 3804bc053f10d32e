"""Routes: parse, call one function, return."""

from services.review_queue.api import (
    activity,
    exchange,
    feedback,
    gold,
    items,
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
    activity.router,
    items.router,
)
