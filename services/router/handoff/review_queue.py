"""The review queue as the router sees it: tasks in, outcomes out.

Spoken to through aiohttp: a request costs a seventh of what it costs through httpx, and an answer
that is audited waits for one.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
import structlog
from pydantic import ValidationError
from yarl import URL

from services.router.handoff.entries import Entry, batch_body
from services.router.messages import ItemOutcome
from shared.contracts.tasks import TaskReceipt, TaskReceipts
from shared.problems import MEDIA_TYPE

log = structlog.get_logger()

_CONNECT_SECONDS = 1.0
# Shorter than the server's: a connection is not used at the moment it is being closed.
_KEEP_ALIVE_SECONDS = 4.0
_REFUSALS = {400, 404, 409, 413, 422}


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
            connector=aiohttp.TCPConnector(keepalive_timeout=_KEEP_ALIVE_SECONDS),
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
            headers={"Content-Type": "application/json"},
        )
        try:
            receipts = TaskReceipts.model_validate_json(response).tasks
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
            headers={"Content-Type": "application/json"},
        )

    async def outcome(self, project: str, item_id: str, *, seconds: float) -> ItemOutcome:
        """Ask what became of an item.

        Raises
        ------
        QueueAway, QueueRefused
        """
        path = f"/v1/projects/{quote(project)}/outcomes/{path_segment(item_id)}"
        response = await self._request("GET", path, seconds=seconds)
        try:
            return ItemOutcome.model_validate_json(response)
        except ValidationError as error:
            raise QueueAway("its outcome is malformed") from error

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
            raise QueueAway(type(error).__name__) from error
        if response.status == HTTPStatus.OK:
            return body
        # A 404 of some proxy is not the queue's word; a problem document is.
        if response.status in _REFUSALS and response.content_type == MEDIA_TYPE:
            raise QueueRefused(response.status, _document(body))
        log.warning("review_queue_failed", status=response.status)
        raise QueueAway(f"status {response.status}")


def path_segment(item_id: str) -> str:
    """Return `item_id` as one segment of a path; dots alone would be taken for folders."""
    quoted = quote(item_id, safe="")
    return quoted.replace(".", "%2E") if set(quoted) == {"."} else quoted


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
