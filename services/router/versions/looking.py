"""Looks at the projects of the store, a few at once: the fault of one holds up no other."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

from services.router.metrics import REFUSED_DOCUMENTS, STORE_FAILURES
from services.router.versions.loads import STORE_ERRORS
from shared.logs import cause_of

log = structlog.get_logger()

_AT_ONCE = 8


class Looks:
    """Calls `refresh` for projects, and remembers which of them it failed for."""

    def __init__(self, refresh: Callable[[str], Awaitable[None]]) -> None:
        self._refresh = refresh
        self._refused: dict[str, str] = {}
        self.failed: set[str] = set()

    async def at(self, projects: Iterable[str]) -> None:
        """Look at each project, and at those that `failed` before.

        The first error of the store is raised once all were looked at.

        A project whose look raises anything else stays as it was: that is logged, once until it
        changes, and counted.
        """
        turns = asyncio.Semaphore(_AT_ONCE)

        async def look(project: str) -> Exception | None:
            async with turns:
                return await self._look(project)

        found = await asyncio.gather(*map(look, sorted(self.failed.union(projects))))
        if error := next((one for one in found if one is not None), None):
            raise error

    async def _look(self, project: str) -> Exception | None:
        self.failed.add(project)
        try:
            await self._refresh(project)
        except STORE_ERRORS as error:
            STORE_FAILURES.inc()
            return error
        except Exception as error:
            REFUSED_DOCUMENTS.labels(project, "any", "unexpected").inc()
            before, self._refused[project] = self._refused.get(project), cause_of(error)
            if self._refused[project] != before:
                log.exception("project_refused", project=project, cause=cause_of(error))
        else:
            self._refused.pop(project, None)
            self.failed.discard(project)
        return None
