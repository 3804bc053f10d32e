"""Which projects' documents are to be looked at, few of many, and the looks at them."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator

import structlog

from services.router.metrics import REFUSED_DOCUMENTS, STORE_FAILURES
from services.router.versions.loads import STORE_ERRORS
from shared import checkpoints
from shared.doorbells import BellEvent, Doorbells, wait_for
from shared.logs import cause_of
from shared.store import Store
from shared.store_index import IndexReader, index_of

log = structlog.get_logger()

_WRITERS = ("review_queue", "trainer")
_LIST_SECONDS = 300.0
_ONE_ANEW_SECONDS = 30.0
_AT_ONCE = 8


class ChangedProjects:
    """Names projects that doorbells rang for, or whose documents have new places in the indexes.

    An index may lack what its writer stored before a crash: the writer completes it later, and the
    store's folders are listed now and then, and one project in turn is named every 30 seconds
    whatever its index says: its writer may be of the release before. While an index is missing, as
    with a writer of the release before, every project is named at each poll.

    `checkpoint_requested` is called when the index of checkpoints has changed: one listing serves
    both.
    """

    def __init__(
        self,
        store: Store,
        bells: Doorbells,
        poll_seconds: float,
        checkpoint_requested: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._bells = store, bells
        self._poll_seconds = poll_seconds
        self._checkpoint_requested = checkpoint_requested
        self._index = IndexReader(store, index_of(*_WRITERS, checkpoints.WRITER))
        self._rung = BellEvent()
        self._poll_at = self._list_at = self._one_anew_at = 0.0
        self._turns: list[str] = []
        self._owed: set[str] = set()

    @contextlib.contextmanager
    def hearing(self) -> Iterator[None]:
        """Hear the doorbells while the block lasts."""
        self._one_anew_at = asyncio.get_running_loop().time() + _ONE_ANEW_SECONDS
        with self._bells.hearing("versions.*", "project.*") as self._rung:
            yield

    async def rest(self, *, is_owing: bool) -> None:
        """Wait for a doorbell or the next poll: the sooner where a look is to be repeated."""
        seconds = self._bells.rest_seconds(self._poll_seconds)
        await wait_for(self._rung, self._poll_seconds if is_owing else seconds)

    async def take(self, known: Collection[str]) -> set[str]:
        """Return the projects to look at now; raise what the store raises, and forget none."""
        named, may_have_missed = self._rung.take()
        self._owed |= named
        now = asyncio.get_running_loop().time()
        if may_have_missed or now >= self._poll_at:
            try:
                await self._poll(set(known), now)
            except BaseException:
                self._poll_at = 0.0
                raise
        taken, self._owed = self._owed, set()
        return taken

    async def _poll(self, known: set[str], now: float) -> None:
        look = await self._index.look()
        if checkpoints.ENTRY in look.changed:
            self._checkpoint_requested()
        self._owed |= {path.partition("/")[0] for path in look.changed - {checkpoints.ENTRY}}
        if not look.has(*_WRITERS):
            self._owed |= known | set(await self._store.folders())
        elif now >= self._list_at:
            self._owed |= known ^ set(await self._store.folders())
            self._list_at = now + _LIST_SECONDS
        if now >= self._one_anew_at and known:
            self._turns = self._turns or sorted(known)
            self._owed.add(self._turns.pop())
            self._one_anew_at = now + _ONE_ANEW_SECONDS
        self._poll_at = now + self._bells.rest_seconds(self._poll_seconds) / 2


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
