"""What routes depend on: the services, and who may enter."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Query, Request

from services.review_queue.services import Services
from shared.auth import Principal, allow


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def gone_of(request: Request) -> Callable[[], Awaitable[bool]]:
    """Return what says whether nobody waits for the answer to `request` any more."""

    async def gone() -> bool:
        return request.app.state.stopping.is_set() or await request.is_disconnected()

    return gone


InServices = Annotated[Services, Depends(_services)]
ByOperator = Annotated[Principal, Depends(allow())]
ByReviewer = Annotated[Principal, Depends(allow("reviewer"))]
ByService = Annotated[Principal, Depends(allow("service"))]
ByServiceOrCaller = Annotated[Principal, Depends(allow("service", "caller"))]
ByAnybody = Annotated[Principal, Depends(allow("service", "caller", "reviewer"))]
# Says whether nobody waits any more: the client has left, or the service stops.
IsGone = Annotated[Callable[[], Awaitable[bool]], Depends(gone_of)]
WaitSeconds = Annotated[
    float, Query(ge=0, le=60, description="How long to wait while there is nothing to tell.")
]
