"""The promises of projects, remembered for seconds: one call asks for those of a page.

What is older than a moment is shown and asked for anew meanwhile; what has not come within the
page's patience is shown as unknown, and the next refresh has it.
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.console.web.cards import Card, card
from services.console.web.visit import SignInNeeded
from shared.loops import cancel_all
from surehand import AsyncSurehand

_FRESH_SECONDS = 3.0
_KEPT_SECONDS = 60.0
_MOST_KEPT = 5_000
_NEVER = (float("-inf"), Card())
_UNKNOWN = Card(fault="The trainer does not know the project yet.")


@dataclass
class Promises:
    """What the trainer said of each project's promise, by the token that asked."""

    patience_seconds: float = 1.0
    _known: dict[tuple[str, str], tuple[float, Card]] = field(default_factory=dict)
    _asking: dict[tuple[str, str], asyncio.Task[None]] = field(default_factory=dict)

    async def of(self, api: AsyncSurehand, token: str, projects: Sequence[str]) -> dict[str, Card]:
        """Return the promises that are known, or come within the page's patience."""
        self._forget()
        owner = hashlib.sha256(token.encode()).hexdigest()
        self._ask(api, owner, projects)
        missing = {
            self._asking[owner, project]
            for project in projects
            if (owner, project) not in self._known
        }
        if missing:
            await asyncio.wait(missing, timeout=self.patience_seconds)
        found = {project: self._known.get((owner, project)) for project in projects}
        return {project: known[1] for project, known in found.items() if known is not None}

    async def close(self) -> None:
        """Ask no more."""
        await cancel_all(set(self._asking.values()))

    def _ask(self, api: AsyncSurehand, owner: str, projects: Sequence[str]) -> None:
        """Ask for what is not known, or old, and not being asked for."""
        oldest = time.monotonic() - _FRESH_SECONDS
        wanted = [
            project
            for project in projects
            if (owner, project) not in self._asking
            and self._known.get((owner, project), _NEVER)[0] < oldest
        ]
        if wanted:
            task = asyncio.create_task(self._learn(api, owner, wanted))
            self._asking |= {(owner, project): task for project in wanted}

    async def _learn(self, api: AsyncSurehand, owner: str, projects: Sequence[str]) -> None:
        params = {"project": projects}
        try:
            told = await card(api.call("trainer", "GET", "/v1/promises", params=params))
            answers = {one["project"]: Card(one) for one in told.value["promises"]} if told else {}
            at, otherwise = time.monotonic(), _UNKNOWN if told else told
            for project in projects:
                self._known[owner, project] = (at, answers.get(project, otherwise))
        except SignInNeeded:
            # The list of projects itself is refused the same, and says so.
            for project in projects:
                self._known.pop((owner, project), None)
        finally:
            for project in projects:
                self._asking.pop((owner, project), None)

    def _forget(self) -> None:
        oldest = time.monotonic() - _KEPT_SECONDS
        for key in [key for key, (at, _) in self._known.items() if at < oldest]:
            del self._known[key]
        while len(self._known) > _MOST_KEPT:
            del self._known[next(iter(self._known))]
