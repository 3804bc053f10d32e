"""START_TRAINING: a run at the trainer, with the rights of who asked for it."""

from http import HTTPStatus
from urllib.parse import quote

import aiohttp

from services.router.delivery.review_queue import object_of
from services.router.problems import TrainerUnreachable
from shared.problems import Conflict, Forbidden, NotFound, Problem

_SECONDS = 10.0
_REFUSALS: dict[int, type[Problem]] = {
    kind.status: kind for kind in (Conflict, Forbidden, NotFound)
}


async def start_run(trainer_url: str, project: str, token: str) -> str:
    """Start a run at the trainer with the caller's `token`; return the id of the run.

    The trainer chooses its mode by the project's state.

    Raises `Conflict`: a run is under way, or a certification is open; `Forbidden`, `NotFound`: as
    the trainer says of the token, or of the project; `TrainerUnreachable`.
    """
    url = f"{trainer_url.rstrip('/')}/v1/projects/{quote(project)}/runs"
    timeout = aiohttp.ClientTimeout(_SECONDS)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.post(url, json={}, allow_redirects=False) as response,
        ):
            status, document = response.status, object_of(await response.read())
    except (aiohttp.ClientError, TimeoutError) as error:
        raise TrainerUnreachable from error
    if status == HTTPStatus.ACCEPTED and isinstance(document.get("run_id"), str):
        run_id: str = document["run_id"]
        return run_id
    if status in _REFUSALS:
        raise _REFUSALS[status](str(document.get("detail") or "The trainer refuses it."))
    raise TrainerUnreachable
