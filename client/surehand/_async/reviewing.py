"""A reviewer's work: tasks one after another, their leases kept alive."""

import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx

from surehand import endpoints as e
from surehand._async.concurrency import repeatedly
from surehand._async.http import AsyncHttp
from surehand.errors import Conflict, SurehandError
from surehand.models.tasks import Lease, LeaseProgress, Leases, Suggestion
from surehand.responses import json_of, understood

_POLL_SECONDS = 20.0
_IDLE_SECONDS = 1.0
_SHORTEST_SECONDS = 0.5


class AsyncReviewTask:
    """A task that the reviewer holds until it is answered, skipped or released."""

    def __init__(self, review: "AsyncReview", lease: Lease) -> None:
        self._review = review
        self._since = time.monotonic()
        self.lease = lease
        self.is_done = False

    @property
    def task_id(self) -> str:
        """The id of the task."""
        return self.lease.task.task_id

    @property
    def item_id(self) -> str:
        """The id of the item."""
        return self.lease.task.item_id

    @property
    def data(self) -> dict[str, Any]:
        """The item: a value for each field."""
        return self.lease.task.data

    @property
    def metadata(self) -> dict[str, str]:
        """The item's metadata."""
        return self.lease.task.metadata

    @property
    def suggestion(self) -> Suggestion | None:
        """The model's suggestion, where the project shows it."""
        return self.lease.task.suggestion

    async def answer(
        self, label: str, *, active_seconds: float | None = None, comment: str | None = None
    ) -> LeaseProgress:
        """Give the task's label.

        `active_seconds` says how long the reviewer worked; without it, the time since the task was
        shown. `LeaseExpired` if another reviewer may have the task by now.
        """
        worked = time.monotonic() - self._since if active_seconds is None else active_seconds
        body = {"label": label, "active_seconds": round(min(worked, 86_400.0), 3)}
        if comment is not None:
            body["comment"] = comment
        return await self._act(e.VERDICT, body)

    async def skip(self, reason: str = "", *, to: str = "others") -> LeaseProgress:
        """Leave the task to ``others``, to ``me`` later, or to an ``adjudicator``."""
        return await self._act(e.SKIP, {"reason": reason, "to": to})

    async def release(self) -> LeaseProgress:
        """Give the task back, as if it had not been seen."""
        return await self._act(e.RELEASE, None)

    async def undo(self) -> LeaseProgress:
        """Take back the answer or the skip; the task waits again."""
        return await self._act(e.UNDO, None)

    def shown(self) -> Self:
        """Let the time that the reviewer needs begin now."""
        self._since = time.monotonic()
        return self

    async def _act(
        self, endpoint: e.Endpoint[LeaseProgress], body: dict[str, Any] | None
    ) -> LeaseProgress:
        progress = await self._review.http.ask(endpoint, {"token": self.lease.token}, json=body)
        self.is_done = True
        self._review.forget(self)
        return progress


class AsyncReview:
    """`client.review(project)`: iterate over it to get tasks.

    The leases of tasks in hand are renewed in the background. A task that is neither answered nor
    skipped when the next one is asked for is released, and so are all when the iteration ends.
    Use it as a context manager where the iteration may be left early.
    """

    def __init__(
        self, http: AsyncHttp, project: str, wait_seconds: float | None, count: int
    ) -> None:
        self.http = http
        self._names = {"project": project}
        self._wait = wait_seconds
        self._count = count
        self._held: dict[str, AsyncReviewTask] = {}
        self._renew_after = _IDLE_SECONDS
        self._tasks = self._work()

    def __aiter__(self) -> AsyncIterator[AsyncReviewTask]:
        return self._tasks

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Release the tasks in hand."""
        await self._tasks.aclose()

    def forget(self, task: AsyncReviewTask) -> None:
        """Renew the lease of `task` no longer."""
        self._held.pop(task.lease.token, None)

    async def _work(self) -> AsyncGenerator[AsyncReviewTask, None]:
        async with repeatedly(self._renew):
            try:
                while tasks := await self._lease():
                    for task in tasks:
                        yield task.shown()
                        if not task.is_done:
                            await self._release(task)
            finally:
                for task in list(self._held.values()):
                    await self._release(task)

    async def _lease(self) -> list[AsyncReviewTask]:
        """Return leased tasks; none if none came in the time that the caller gave."""
        waits = _POLL_SECONDS if self._wait is None else self._wait
        while True:
            response = await self.http.request(
                e.LEASE.service,
                e.LEASE.method,
                e.LEASE.at(self._names),
                json={"count": self._count, "wait_seconds": waits},
                timeout=self.http.timeout + waits,
                is_idempotent=e.LEASE.is_idempotent,
            )
            with understood(e.LEASE.service):
                leases = Leases.model_validate(json_of(response, e.LEASE.service)).leases
            if leases or self._wait is not None:
                break
        tasks = [AsyncReviewTask(self, lease) for lease in leases]
        self._held.update((task.lease.token, task) for task in tasks)
        if leases:
            seconds = min(lease.expires_at for lease in leases) - _date_of(response, leases[0])
            self._renew_after = max(seconds.total_seconds() / 3, _SHORTEST_SECONDS)
        return tasks

    async def _release(self, task: AsyncReviewTask) -> None:
        # The lease ends by itself where it cannot be given back.
        with contextlib.suppress(SurehandError):
            await task.release()
        self.forget(task)

    async def _renew(self) -> float:
        for task in list(self._held.values()):
            try:
                await self.http.ask(e.RENEW, {"token": task.lease.token})
            except Conflict:
                self.forget(task)
            except SurehandError:
                continue
        return self._renew_after if self._held else _IDLE_SECONDS


def _date_of(response: httpx.Response, lease: Lease) -> datetime:
    """Return the service's time: this machine's clock may be another."""
    date = response.headers.get("Date")
    return parsedate_to_datetime(date) if date else datetime.now(lease.expires_at.tzinfo)
