"""The review queue as the router sees it: tasks in, outcomes out."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import structlog
from pydantic import ValidationError

from services.router.handoff.entries import Entry, batch_body
from services.router.messages import FeedPage, ItemOutcome, ItemOutcomes
from shared.contracts.base import MAX_BATCH
from shared.contracts.tasks import TaskReceipt, TaskReceipts
from shared.problems import MEDIA_TYPE

log = structlog.get_logger()

_CONNECT_SECONDS = 1.0
# What the answer to a long-poll may take beyond the time that it was asked to wait.
_ANSWER_SECONDS = 5.0
# Projects, each with one hand-off, one look-up and one long-poll at a time, must not wait for one
# another's connections.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100)
_JSON = {"Content-Type": "application/json"}
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
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {token}"},
            limits=_LIMITS,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

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
            content=batch_body(entries),
            headers=_JSON,
        )
        try:
            receipts = TaskReceipts.model_validate_json(response.content).tasks
        except ValidationError as error:
            raise QueueAway("its receipts are malformed") from error
        if [receipt.item_id for receipt in receipts] != [entry.item_id for entry in entries]:
            raise QueueAway("its receipts are not those of the tasks")
        return receipts

    async def outcomes(
        self, project: str, item_ids: Sequence[str], *, seconds: float
    ) -> list[ItemOutcome]:
        """Ask what became of 1 to 1,000 items; those that nobody was asked about are left out.

        Raises
        ------
        QueueAway, QueueRefused
        """
        response = await self._request(
            "POST",
            _outcomes_path(project),
            seconds=seconds,
            content=orjson.dumps({"item_ids": item_ids}),
            headers=_JSON,
        )
        try:
            return ItemOutcomes.model_validate_json(response.content).outcomes
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
        response = await self._request(
            "GET",
            _outcomes_path(project),
            seconds=wait_seconds + _ANSWER_SECONDS,
            params={**place, "limit": str(MAX_BATCH), "wait_seconds": str(wait_seconds)},
        )
        try:
            return FeedPage.model_validate_json(response.content)
        except ValidationError as error:
            raise QueueAway("its feed is malformed") from error

    async def _request(
        self, method: str, path: str, *, seconds: float, **parts: Any
    ) -> httpx.Response:
        timeout = httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))
        try:
            response = await self._http.request(method, path, timeout=timeout, **parts)
        except httpx.HTTPError as error:
            raise QueueAway(type(error).__name__) from error
        if response.is_success:
            return response
        # A 404 of some proxy is not the queue's word; a problem document is.
        if response.status_code in _REFUSALS and response.headers.get("content-type") == MEDIA_TYPE:
            raise QueueRefused(response.status_code, _document(response))
        log.warning("review_queue_failed", status=response.status_code)
        raise QueueAway(f"status {response.status_code}")


def _outcomes_path(project: str) -> str:
    return f"/v1/projects/{quote(project)}/outcomes"


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
