"""START_TRAINING: a run at the trainer, with the rights of who asked for it."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

import aiohttp
import orjson

from services.router.protocols.label_studio.errors import TrainerUnreachable
from shared.problems import Conflict, Forbidden, NotFound, Problem

_SECONDS = 10.0
_REFUSALS: dict[int, type[Problem]] = {
    kind.status: kind for kind in (Conflict, Forbidden, NotFound)
}

Mode = Literal["initial", "fine_tune"]


@dataclass(frozen=True)
class Training:
    """Starts runs at the trainer at `url`."""

    url: str

    async def start(self, project: str, mode: Mode, token: str) -> str:
        """Return the id of the run that was queued.

        Raises
        ------
        Conflict
            A run is under way, or a certification is open.
        Forbidden, NotFound
            As the trainer says of the token, or of the project.
        TrainerUnreachable
        """
        url = f"{self.url.rstrip('/')}/v1/projects/{quote(project)}/runs"
        timeout = aiohttp.ClientTimeout(_SECONDS)
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
                session.post(url, json={"mode": mode}, allow_redirects=False) as response,
            ):
                status, body = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TrainerUnreachable from error
        document = _document(body)
        if status == HTTPStatus.ACCEPTED and isinstance(document.get("run_id"), str):
            run_id: str = document["run_id"]
            return run_id
        if status in _REFUSALS:
            raise _REFUSALS[status](str(document.get("detail") or "The trainer refuses it."))
        raise TrainerUnreachable


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
