"""Routes: parse, call one function, return."""

from services.review_queue.activity import routes as activity
from services.review_queue.changes import routes as changes
from services.review_queue.desk import routes as desk
from services.review_queue.erasure import routes as items
from services.review_queue.exchange import routes as exchange
from services.review_queue.feedback import routes as feedback
from services.review_queue.lifecycle.routes import leases, outcomes, tasks
from services.review_queue.links import moved_pages
from services.review_queue.links import routes as links
from services.review_queue.overview import routes as overview
from services.review_queue.projects import routes as projects
from services.review_queue.quality import routes as people
from services.review_queue.quality.gold import routes as gold
from services.review_queue.timings import routes as timings
from services.review_queue.webhooks import routes as webhooks

ROUTERS = (
    projects.router,
    tasks.router,
    leases.router,
    outcomes.router,
    timings.router,
    feedback.router,
    webhooks.router,
    people.router,
    desk.router,
    gold.router,
    exchange.router,
    activity.router,
    items.router,
    changes.router,
    links.router,
    moved_pages.router,
    overview.router,
)
