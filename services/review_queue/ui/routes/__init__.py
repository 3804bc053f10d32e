"""Routes of the pages: parse, call one function, return."""

from services.review_queue.ui.routes import actions, adjudication, entering, feedback, pages

ROUTERS = (
    entering.router,
    pages.router,
    actions.router,
    adjudication.router,
    feedback.router,
    feedback.scripts,
)
