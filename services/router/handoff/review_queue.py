"""The review queue as the router sees it: tasks in, outcomes out."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import httpx
import structlog
from pydantic import ValidationError

from services.router.handoff.entries import Entry, batch_body
from services.router.messages import ItemOutcome
from shared.contracts.tasks import TaskReceipt, TaskReceipts
from shared.problems import MEDIA_TYPE

log = structlog.get_logger()

_CONNECT_SECONDS = 1.0
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
            base_url=url.rstrip("/"), headers={"Authorization": f"Bearer {token}"}, trust_env=False
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
            headers={"Content-Type": "application/json"},
        )
        try:
            receipts = TaskReceipts.model_validate_json(response.content).tasks
        except ValidationError as error:
            raise QueueAway("its receipts are malformed") from error
        if [receipt.item_id for receipt in receipts] != [entry.item_id for entry in entries]:
            raise QueueAway("its receipts are not those of the tasks")
        return receipts

    async def outcome(self, project: str, item_id: str, *, seconds: float) -> ItemOutcome:
        """Ask what became of an item.

        Raises
        ------
        QueueAway, QueueRefused
        """
        path = f"/v1/projects/{quote(project)}/outcomes/{path_segment(item_id)}"
        response = await self._request("GET", path, seconds=seconds)
        try:
            return ItemOutcome.model_validate_json(response.content)
        except ValidationError as error:
            raise QueueAway("its outcome is malformed") from error

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


def path_segment(item_id: str) -> str:
    """Return `item_id` as one segment of a path; dots alone would be taken for folders."""
    quoted = quote(item_id, safe="")
    return quoted.replace(".", "%2E") if set(quoted) == {"."} else quoted


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
