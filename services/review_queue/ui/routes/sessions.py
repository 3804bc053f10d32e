"""Routes that know their caller by the cookie of a session."""

import contextlib
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute

from services.review_queue.ui.entry import EntryService, session_ended
from services.review_queue.ui.site import COOKIE, Site, refusal
from shared.auth import Principal, Verifier
from shared.http.body import StrictRoute
from shared.http.outages import unavailable
from shared.problems import Problem, Unauthorized
from shared.problems.handlers import note

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


async def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


async def _visitor(request: Request) -> Principal | None:
    return getattr(request.state, "principal", None)


AtSite = Annotated[Site, Depends(_site)]
Visitor = Annotated[Principal | None, Depends(_visitor)]


class ScriptRoute(StrictRoute):
    """A route that the page's scripts call: as the API's, but for how the caller is known."""

    def get_route_handler(self) -> Handler:
        """Wrap the API's handler."""
        handle = super().get_route_handler()

        async def known(request: Request) -> Response:
            site: Site = request.app.state.site
            site.require_own(request)
            request.state.principal = await _holder(request)
            return site.guard(await handle(request))

        return known


class PageRoute(APIRoute):
    """A route that people open: refusals are pages too."""

    def get_route_handler(self) -> Handler:
        """Wrap FastAPI's handler."""
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            site: Site = request.app.state.site
            try:
                site.require_own(request)
                with contextlib.suppress(Unauthorized):
                    request.state.principal = await _holder(request)
                response = await handle(request)
            except Problem as problem:
                note(problem, request.scope)
                response = refusal(problem)
            except Exception as error:
                away = unavailable(error, request.app.state.outages, request.scope)
                if away is None:
                    raise
                response = refusal(away)
            return site.guard(response)

        return shown


async def _holder(request: Request) -> Principal:
    entry: EntryService = request.app.state.services[EntryService]
    verifier: Verifier = request.app.state.verifier
    who = await entry.principal(request.cookies.get(COOKIE))
    # Sessions of the release before do not know their key, and last twelve hours at most.
    if who.key_id is not None and not verifier.trusts(who.key_id):
        raise session_ended()
    return who
