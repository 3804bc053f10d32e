"""What the routes of every protocol depend on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import Depends, Request

from services.router.delivery.handoff import Handoff
from services.router.delivery.review_queue import ReviewQueue
from services.router.predict.predictor import Predictor
from services.router.versions.registry import Versions
from services.router.waiting.waiters import Left, Waiters
from shared.http.waiting import disconnected
from shared.loops import Loop, loop_faults


@dataclass(frozen=True)
class Services:
    """What the routes of every protocol use."""

    predictor: Predictor
    versions: Versions
    handoff: Handoff
    waiters: Waiters
    queue: ReviewQueue
    loops: tuple[Loop, ...]
    now: Callable[[], datetime]

    async def degraded(self) -> dict[str, str]:
        """Say which parts do not work while the router serves."""
        found = loop_faults((*self.loops, *self.waiters.loops)) | await self.handoff.degraded()
        # The shadow log is on the same disk.
        if (fault := self.predictor.log.fault) is not None:
            found["decision_log_disk"] = fault
        return found


async def services_of(request: Request) -> Services:
    """Return the running services of the application."""
    services: Services = request.app.state.services
    return services


async def left_of(request: Request) -> Left:
    """Return what to await to know that the caller has left; once the body has been read."""
    return partial(disconnected, request.receive)


Service = Annotated[Services, Depends(services_of)]
HasLeft = Annotated[Left, Depends(left_of)]
