"""Routes of the pages: parse, call one function, return."""

from services.review_queue.ui.routes import actions, adjudication, entering, feedback, links, pages

ROUTERS = (
    links.router,
    entering.router,
    pages.router,
    actions.router,
    adjudication.router,
    feedback.router,
    feedback.scripts,
)
