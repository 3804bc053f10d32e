"""Routes of the pages: parse, call one function, return."""

from services.review_queue.ui.routes import actions, entering, links, pages, settling

ROUTERS = (links.router, entering.router, pages.router, actions.router, settling.router)
