"""What the routes of every protocol depend on."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Request

from services.router.delivery.review_queue import ReviewQueue
from services.router.outcomes.service import Outcomes
from services.router.predict.predictor import Predictor
from services.router.versions.registry import Versions
from services.router.waiting.waiters import Left
from shared.auth import permitted
from shared.http.front import Call
from shared.http.waiting import disconnected
from shared.loops import Loop, loop_faults
from shared.settings import CommonSettings

CALLERS = permitted("caller")


@dataclass(frozen=True)
class Services:
    """What the routes of every protocol use."""

    predictor: Predictor
    versions: Versions
    queue: ReviewQueue
    outcomes: Outcomes
    loops: tuple[Loop, ...]
    common: CommonSettings

    async def degraded(self) -> dict[str, str]:
        """Say which parts do not work while the router serves."""
        predictor = self.predictor
        found = loop_faults((*self.loops, *predictor.waiters.loops))
        found |= await predictor.handoff.degraded()
        # The shadow log is on the same disk.
        if (fault := predictor.log.fault) is not None:
            found["decision_log_disk"] = fault
        return found


async def services_of(request: Request) -> Services:
    """Return the running services of the application."""
    services: Services = request.app.state.services
    return services


async def left_of(request: Request) -> Left:
    """Return what to await to know that the caller has left; once the body has been read."""
    return partial(disconnected, request.receive)


def admit(state: Any, project: str) -> None:
    """Raise `Overloaded` when a call would wait too long for the project's model."""
    state.services.predictor.admit(project)


def limit_fields(predictor: Predictor, call: Call) -> list[tuple[bytes, bytes]]:
    """Return the headers that say what is left of the caller's rate limit."""
    if predictor.rate_limit is None:
        return []
    headers = predictor.limit_headers(call.word, call.caller)
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


Service = Annotated[Services, Depends(services_of)]
HasLeft = Annotated[Left, Depends(left_of)]
