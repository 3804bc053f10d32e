"""The review queue as the router sees it: tasks in, outcomes out.

Spoken to through aiohttp: a request costs a seventh of what it costs through httpx, and an answer
that is audited waits for one.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
import orjson
import structlog
from pydantic import BaseModel, ValidationError
from yarl import URL

from services.router.delivery.messages import FeedPage, ItemOutcome, ItemOutcomes, QueueForecast
from services.router.spool.entries import Entry, batch_body
from shared.contracts.base import MAX_BATCH, read_stored
from shared.contracts.tasks import TaskReceipt, TaskReceipts
from shared.logs import cause_of
from shared.problems import MEDIA_TYPE

log = structlog.get_logger()

Answer = TypeVar("Answer", bound=BaseModel)

_CONNECT_SECONDS = 1.0
# Shorter than the server's: a connection is not used at the moment it is being closed.
_KEEP_ALIVE_SECONDS = 4.0
# What the answer to a long-poll may take beyond the time that it was asked to wait.
_ANSWER_SECONDS = 5.0
_JSON = {"Content-Type": "application/json"}
_REFUSALS = {400, 404, 409, 410, 413, 422}


class QueueAway(Exception):  # noqa: N818 - says where the queue is
    """No answer that tells what became of the request: try again, or use the spool."""


class QueueRefused(Exception):  # noqa: N818 - says what the queue did
    """The queue read the request and will never take it."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        super().__init__(f"{status}: {document.get('detail', '')}")
        self.status = status
        self.document = document


class ReviewQueue:
    """A client of the review queue's HTTP API; calls raise `QueueAway` or `QueueRefused`."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._http = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {token}"},
            # Unbounded: projects, each with one hand-off, one look-up and one long-poll at a time,
            # must not wait for one another's connections.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def post(
        self, project: str, entries: Sequence[Entry], *, seconds: float
    ) -> list[TaskReceipt]:
        """Hand tasks of one project over; the receipts are in the order of `entries`."""
        path = f"/v1/projects/{quote(project)}/tasks"
        answer = await self._request(path, batch_body(entries), seconds=seconds)
        receipts = _parsed(TaskReceipts, answer).tasks
        if [receipt.item_id for receipt in receipts] != [entry.item_id for entry in entries]:
            raise QueueAway("its receipts are not those of the tasks")
        return receipts

    async def verdict(
        self, project: str, task_id: str, verdict: dict[str, Any], *, seconds: float
    ) -> None:
        """Record a verdict that was given elsewhere; the same one again changes nothing."""
        path = f"/v1/projects/{quote(project)}/tasks/{task_id}/verdicts"
        await self._request(path, orjson.dumps(verdict), seconds=seconds)

    async def outcomes(
        self, project: str, item_ids: Sequence[str], *, seconds: float
    ) -> list[ItemOutcome]:
        """Ask what became of 1 to 1,000 items; those without a task are left out."""
        body = orjson.dumps({"item_ids": item_ids})
        answer = await self._request(_outcomes_path(project), body, seconds=seconds)
        return _parsed(ItemOutcomes, answer).outcomes

    async def feed(self, project: str, after: str | None, *, wait_seconds: float) -> FeedPage:
        """Return the page of the outcomes feed behind cursor `after`; wait for it to come.

        Without a cursor it has no rows, only the cursor of the feed's present end.
        """
        place = {"tail": "true"} if after is None else {"after": after, "brief": "true"}
        query = {**place, "limit": str(MAX_BATCH), "wait_seconds": str(wait_seconds)}
        path = f"{_outcomes_path(project)}?{urlencode(query)}"
        return _parsed(FeedPage, await self._request(path, seconds=wait_seconds + _ANSWER_SECONDS))

    async def optional_delay(self, project: str, *, seconds: float) -> float | None:
        """Ask for the seconds until reviewers reach an optional task; None if never, or unknown."""
        path = f"/v1/projects/{quote(project)}/queue"
        answer = await self._request(path, seconds=seconds)
        return _parsed(QueueForecast, answer).optional_delay_seconds

    async def _request(self, path: str, body: bytes | None = None, *, seconds: float) -> bytes:
        """Return the body of a successful answer, to a POST of `body` or to a GET."""
        timeout = aiohttp.ClientTimeout(seconds, sock_connect=min(seconds, _CONNECT_SECONDS))
        # Encoded: what is percent-encoded in an item's id stays so.
        url = URL(self._url + path, encoded=True)
        method = "GET"
        parts: dict[str, Any] = {}
        if body is not None:
            method, parts = "POST", {"data": body, "headers": _JSON}
        try:
            async with self._http.request(
                method, url, timeout=timeout, allow_redirects=False, **parts
            ) as response:
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise QueueAway(cause_of(error)) from error
        if response.status == HTTPStatus.OK:
            return answer
        # A 404 of some proxy is not the queue's word; a problem document is.
        if response.status in _REFUSALS and response.content_type == MEDIA_TYPE:
            raise QueueRefused(response.status, object_of(answer))
        log.warning("review_queue_failed", status=response.status)
        raise QueueAway(f"status {response.status}")


def _parsed(kind: type[Answer], answer: bytes) -> Answer:
    try:
        return read_stored(kind, answer)
    except ValidationError as error:
        raise QueueAway(f"its {kind.__name__} is malformed") from error


def _outcomes_path(project: str) -> str:
    return f"/v1/projects/{quote(project)}/outcomes"


def object_of(body: bytes) -> dict[str, Any]:
    """Return the JSON object that an answer is; an empty one when it is none."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
