"""The promises of projects, remembered for seconds: a page of fifty asks for them once for all.

What is older than a moment is shown and asked for anew meanwhile; what has not come within the
page's patience is shown as unknown, and the next refresh has it.
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.console.web.cards import Card, card
from services.console.web.visit import SignInNeeded, project_path
from surehand import AsyncSurehand

_FRESH_SECONDS = 3.0
_KEPT_SECONDS = 60.0
_MOST_KEPT = 5_000
_AT_A_TIME = 16


@dataclass
class Promises:
    """What the trainer said of each project's promise, by the token that asked."""

    patience_seconds: float = 1.0
    _known: dict[tuple[str, str], tuple[float, Card]] = field(default_factory=dict)
    _asking: dict[tuple[str, str], asyncio.Task[None]] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_A_TIME))

    async def of(self, api: AsyncSurehand, token: str, projects: Sequence[str]) -> dict[str, Card]:
        """Return the promises that are known, or come within the page's patience."""
        self._forget()
        owner = hashlib.sha256(token.encode()).hexdigest()
        now = time.monotonic()
        missing = []
        for project in projects:
            key = (owner, project)
            known = self._known.get(key)
            if known is None or known[0] < now - _FRESH_SECONDS:
                task = self._ask(api, key)
                if known is None:
                    missing.append(task)
        if missing:
            await asyncio.wait(missing, timeout=self.patience_seconds)
        found = {project: self._known.get((owner, project)) for project in projects}
        return {project: known[1] for project, known in found.items() if known is not None}

    async def close(self) -> None:
        """Ask no more."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def _ask(self, api: AsyncSurehand, key: tuple[str, str]) -> asyncio.Task[None]:
        if key not in self._asking:
            self._asking[key] = asyncio.create_task(self._learn(api, key))
        return self._asking[key]

    async def _learn(self, api: AsyncSurehand, key: tuple[str, str]) -> None:
        path = project_path(key[1])
        try:
            async with self._slots:
                promise = await card(api.call("trainer", "GET", f"{path}/promise"))
            self._known[key] = (time.monotonic(), promise)
        except SignInNeeded:
            # The list of projects itself is refused the same, and says so.
            self._known.pop(key, None)
        finally:
            self._asking.pop(key, None)

    def _forget(self) -> None:
        oldest = time.monotonic() - _KEPT_SECONDS
        for key in [key for key, (at, _) in self._known.items() if at < oldest]:
            del self._known[key]
        while len(self._known) > _MOST_KEPT:
            del self._known[next(iter(self._known))]
