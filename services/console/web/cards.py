"""Parts of a page that come from different services: one that is away leaves the others."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from services.console.web.visit import SignInNeeded
from surehand import ProblemError, SurehandError, Unavailable

SERVICE_NAMES = {
    "router": "The router",
    "review_queue": "The review queue",
    "trainer": "The trainer",
}
FOREIGN_WORDS = (
    "does not come from a page of this site. Where the console is reached under another name than "
    "this machine's, SUREHAND_CONSOLE_PUBLIC_URL must say which."
)
_UNAUTHORIZED = 401


@dataclass(frozen=True)
class Card:
    """What a service answered, or why there is nothing to show."""

    value: Any = None
    fault: str | None = None
    is_away: bool = False
    status: int = 200

    def __bool__(self) -> bool:
        return self.fault is None

    def listed(self, name: str) -> list[Any]:
        """Return the list `name` of the answer; empty where there is none."""
        rows: list[Any] = self.value[name] if self else []
        return rows

    @property
    def cursor(self) -> str | None:
        """The end of a page of a list; None for the last one, and where there is no answer."""
        return self.value["cursor"] if self else None


async def card(call: Awaitable[Any]) -> Card:
    """Wait for a call; a refusal or an outage becomes the card's words.

    `SignInNeeded` when the services no longer take the token.
    """
    try:
        return Card(await call)
    except Unavailable as error:
        return Card(fault=away_words(error), is_away=True, status=503)
    except ProblemError as error:
        return Card(fault=words_of(error), status=error.status)


async def cards(**calls: Awaitable[Any]) -> dict[str, Card]:
    """Wait for calls that run side by side."""
    done = await asyncio.gather(*map(card, calls.values()))
    return dict(zip(calls, done, strict=True))


def away_words(error: Unavailable) -> str:
    """Say which service is away."""
    name = SERVICE_NAMES.get(error.service, "A service")
    return f"{name} is away at the moment. This part comes back by itself."


def refusal_words(error: ProblemError) -> str:
    """Say why a service refused, with the first faults of the payload."""
    faults = [
        f"{one.get('pointer', '')}: {one.get('detail', '')}".strip(": ") for one in error.errors
    ]
    said = error.detail or error.title
    return said if not faults or faults[0] in said else f"{said} {'; '.join(faults[:5])}"


def words_of(error: SurehandError) -> str:
    """Say why a call did not do what was asked.

    `SignInNeeded` when the services no longer take the token.
    """
    if isinstance(error, Unavailable):
        return away_words(error)
    if isinstance(error, ProblemError):
        if error.status == _UNAUTHORIZED:
            raise SignInNeeded from error
        return refusal_words(error)
    return str(error)
