"""The review queue, as the trainer calls it: outcomes out, tasks in."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import httpx
from pydantic import ValidationError

from shared.contracts.base import MAX_BATCH, Read, read_stored
from shared.contracts.changes import ChangeFeed
from shared.contracts.human_error import HumanError
from shared.contracts.second_opinions import (
    OpinionReceipts,
    OpinionStatus,
    WantedOpinion,
    WantedOpinions,
)
from shared.contracts.tasks import NewTask, OutcomeFeed, TaskReceipt, TaskReceipts
from shared.contracts.withdrawals import WithdrawalReceipts, Withdrawals, WithdrawalStatus
from shared.logs import cause_of
from shared.problems import MEDIA_TYPE

_CHANGES = "/v1/changes"
_HUMAN_ERROR = "/human-error"
_SECOND_OPINIONS = "/second-opinions"
_WITHDRAWALS = "/withdrawals"
# Routes that the release before lacks.
_NEW_ROUTES = (_CHANGES, _HUMAN_ERROR, _SECOND_OPINIONS, _WITHDRAWALS)
_RESTARTED = b'"urn:surehand:problem:feed-restarted"'


class QueueAway(Exception):  # noqa: N818 - named as the house names its problems
    """The review queue could not be reached, or it refused; try again later."""


class RouteUnknown(Exception):  # noqa: N818 - likewise
    """The review queue is of a release that has no such route."""


class FeedRestarted(Exception):  # noqa: N818 - likewise
    """The cursor is older than a restore of the review queue's database."""


class QueueClient:
    """Calls the review queue with the service's token."""

    def __init__(self, base_url: str, token: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(30, connect=2),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def outcomes(self, project: str, after: str | None) -> OutcomeFeed:
        """Return the page of the feed after a cursor (None: from its start)."""
        query = {"limit": str(MAX_BATCH)} | ({"after": after} if after else {})
        return await self._call(
            OutcomeFeed, "GET", f"/v1/projects/{project}/outcomes", params=query
        )

    async def changes(self, after: str | None, *, wait_seconds: float) -> ChangeFeed:
        """Return what changed over all projects after a cursor (None: all of it).

        Raises `QueueAway`, `FeedRestarted`, `RouteUnknown`.
        """
        query = {"wait_seconds": str(wait_seconds)} | ({"after": after} if after else {})
        return await self._call(ChangeFeed, "GET", _CHANGES, params=query)

    async def human_error(self, project: str) -> HumanError:
        """Return the counts of reviewers' errors: none from a queue that counts none."""
        try:
            return await self._call(HumanError, "GET", f"/v1/projects/{project}{_HUMAN_ERROR}")
        except RouteUnknown:
            return HumanError()

    async def ask_second_opinions(
        self, project: str, wanted: Sequence[WantedOpinion]
    ) -> dict[str, OpinionStatus]:
        """Ask for 1 to 1,000 second opinions; return by item what becomes of each."""
        document = WantedOpinions(items=list(wanted)).model_dump(mode="json")
        path = f"/v1/projects/{project}{_SECOND_OPINIONS}"
        try:
            receipts = await self._call(OpinionReceipts, "POST", path, json=document)
        except RouteUnknown:
            return {one.item_id: "no_reviewer" for one in wanted}
        return {one.item_id: one.status for one in receipts.items}

    async def withdraw(self, project: str, item_ids: Sequence[str]) -> dict[str, WithdrawalStatus]:
        """Withdraw 1 to 1,000 tasks; return by item what became of each. Repeating is harmless.

        Raises `QueueAway`, `RouteUnknown`.
        """
        document = Withdrawals(item_ids=list(item_ids)).model_dump(mode="json")
        path = f"/v1/projects/{project}{_WITHDRAWALS}"
        receipts = await self._call(WithdrawalReceipts, "POST", path, json=document)
        return {one.item_id: one.status for one in receipts.items}

    async def post(self, project: str, tasks: Sequence[NewTask]) -> list[TaskReceipt]:
        """Ask for 1 to 1,000 tasks; one receipt each, in order. Repeating is harmless."""
        document = {"tasks": [task.model_dump(mode="json") for task in tasks]}
        path = f"/v1/projects/{project}/tasks"
        return (await self._call(TaskReceipts, "POST", path, json=document)).tasks

    async def _call(self, kind: type[Read], method: str, path: str, **options: Any) -> Read:
        try:
            response = await self._http.request(method, path, **options)
            status, media_type = response.status_code, response.headers.get("content-type")
            is_conflict = status == HTTPStatus.CONFLICT and media_type == MEDIA_TYPE
            if is_conflict and _RESTARTED in response.content:
                raise FeedRestarted
            if status == HTTPStatus.NOT_FOUND and path.endswith(_NEW_ROUTES):
                raise RouteUnknown
            response.raise_for_status()
            return read_stored(kind, response.content)
        except httpx.HTTPError as error:
            raise QueueAway(f"{method} {path}: {cause_of(error)}") from error
        except ValidationError as error:
            raise QueueAway(f"its {kind.__name__} is malformed") from error
