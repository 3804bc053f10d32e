"""The review queue as the router sees it: tasks in, outcomes out.

Spoken to through aiohttp: a request costs a seventh of what it costs through httpx, and an answer
that is audited waits for one.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import orjson
import structlog
from pydantic import ValidationError
from yarl import URL

from services.router.delivery.messages import FeedPage, ItemOutcome, ItemOutcomes
from services.router.spool.entries import Entry, batch_body
from shared.contracts.base import MAX_BATCH, read_stored
from shared.contracts.tasks import TaskReceipt, TaskReceipts
from shared.logs import cause_of
from shared.problems import MEDIA_TYPE

log = structlog.get_logger()

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
    """A client of the review queue's HTTP API."""

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
        """Hand tasks of one project over; the receipts are in the order of `entries`.

        Raises
        ------
        QueueAway, QueueRefused
        """
        response = await self._request(
            "POST",
            f"/v1/projects/{quote(project)}/tasks",
            seconds=seconds,
            data=batch_body(entries),
            headers=_JSON,
        )
        try:
            receipts = read_stored(TaskReceipts, response).tasks
        except ValidationError as error:
            raise QueueAway("its receipts are malformed") from error
        if [receipt.item_id for receipt in receipts] != [entry.item_id for entry in entries]:
            raise QueueAway("its receipts are not those of the tasks")
        return receipts

    async def verdict(
        self, project: str, task_id: str, verdict: dict[str, Any], *, seconds: float
    ) -> None:
        """Record a verdict that was given elsewhere; the same one again changes nothing.

        Raises
        ------
        QueueAway, QueueRefused
        """
        await self._request(
            "POST",
            f"/v1/projects/{quote(project)}/tasks/{task_id}/verdicts",
            seconds=seconds,
            data=orjson.dumps(verdict),
            headers=_JSON,
        )

    async def outcomes(
        self, project: str, item_ids: Sequence[str], *, seconds: float
    ) -> list[ItemOutcome]:
        """Ask what became of 1 to 1,000 items; those without a task are left out.

        Raises
        ------
        QueueAway, QueueRefused
        """
        body = await self._request(
            "POST",
            _outcomes_path(project),
            seconds=seconds,
            data=orjson.dumps({"item_ids": item_ids}),
            headers=_JSON,
        )
        try:
            return read_stored(ItemOutcomes, body).outcomes
        except ValidationError as error:
            raise QueueAway("its outcomes are malformed") from error

    async def feed(self, project: str, after: str | None, *, wait_seconds: float) -> FeedPage:
        """Return the page of the outcomes feed behind cursor `after`; wait for it to come.

        Without a cursor it has no rows, only the cursor of the feed's present end.

        Raises
        ------
        QueueAway, QueueRefused
        """
        place = {"tail": "true"} if after is None else {"after": after, "brief": "true"}
        query = {**place, "limit": str(MAX_BATCH), "wait_seconds": str(wait_seconds)}
        body = await self._request(
            "GET",
            f"{_outcomes_path(project)}?{urlencode(query)}",
            seconds=wait_seconds + _ANSWER_SECONDS,
        )
        try:
            return read_stored(FeedPage, body)
        except ValidationError as error:
            raise QueueAway("its feed is malformed") from error

    async def _request(self, method: str, path: str, *, seconds: float, **parts: Any) -> bytes:
        """Return the body of a successful answer."""
        timeout = aiohttp.ClientTimeout(seconds, sock_connect=min(seconds, _CONNECT_SECONDS))
        # Encoded: what is percent-encoded in an item's id stays so.
        url = URL(self._url + path, encoded=True)
        try:
            async with self._http.request(
                method, url, timeout=timeout, allow_redirects=False, **parts
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise QueueAway(cause_of(error)) from error
        if response.status == HTTPStatus.OK:
            return body
        # A 404 of some proxy is not the queue's word; a problem document is.
        if response.status in _REFUSALS and response.content_type == MEDIA_TYPE:
            raise QueueRefused(response.status, object_of(body))
        log.warning("review_queue_failed", status=response.status)
        raise QueueAway(f"status {response.status}")


def _outcomes_path(project: str) -> str:
    return f"/v1/projects/{quote(project)}/outcomes"


def object_of(body: bytes) -> dict[str, Any]:
    """Return the JSON object that an answer is; an empty one when it is none."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
