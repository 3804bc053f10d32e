"""The trainer's ledger as the router sees it: the newest decision on an item."""

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import quote

import aiohttp
import structlog
from pydantic import ValidationError

from services.router.problems import TrainerUnreachable
from shared.contracts.base import read_stored
from shared.contracts.decisions import DecisionQuery, KnownDecision, KnownDecisions
from shared.logs import cause_of

log = structlog.get_logger()

_CONNECT_SECONDS = 1.0
_SECONDS = 2.0
# Longer than the trainer takes at most.
_SETTLE_SECONDS = 12.0
_KEEP_ALIVE_SECONDS = 4.0


class Ledger:
    """A client of the trainer's look-up of decisions; calls raise `TrainerUnreachable`."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._http = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def decisions(
        self, project: str, item_ids: Sequence[str], *, settle: bool
    ) -> KnownDecisions:
        """Ask for the newest decision on each of 1 to 1,000 items."""
        url = f"{self._url}/v1/projects/{quote(project)}/decisions/lookup"
        seconds = _SETTLE_SECONDS if settle else _SECONDS
        body = DecisionQuery(item_ids=list(item_ids), settle=settle).model_dump_json()
        try:
            async with self._http.post(
                url,
                data=body,
                timeout=aiohttp.ClientTimeout(seconds, sock_connect=_CONNECT_SECONDS),
                allow_redirects=False,
            ) as response:
                status, answer = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("trainer_away", cause=cause_of(error))
            raise TrainerUnreachable from error
        # A trainer of the release before has no such route.
        if status != HTTPStatus.OK:
            log.warning("trainer_failed", status=status)
            raise TrainerUnreachable
        try:
            return read_stored(KnownDecisions, answer)
        except ValidationError as error:
            raise TrainerUnreachable from error

    async def newest(self, project: str, item_ids: Sequence[str]) -> dict[str, KnownDecision]:
        """Return the decisions that the ledger has by now, by item."""
        known = await self.decisions(project, item_ids, settle=False)
        return {one.item_id: one for one in known.decisions}
