"""The feed of the documents that the trainer has stored, read off their index."""

import asyncio
import re
from collections.abc import Awaitable, Callable

from services.trainer.resources import Resources
from shared.contracts.changes import Change, ChangeFeed, StoreIndex
from shared.doorbells import wait_for
from shared.http.lists import encode_cursor, parse_cursor
from shared.problems import Conflict

_PLACE = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")
_KINDS = {"channels.json": "channels", "promise.json": "promise"}

Place = tuple[int, int]


class ChangesRestarted(Conflict):
    """The cursor is of the feed as it was before the store was restored."""

    kind, title = "feed-restarted", "Feed was restarted"


def place_of(cursor: str | None) -> Place | None:
    """Return the epoch and the revision of the index that `cursor` names, None for no cursor."""
    found = parse_cursor(cursor, _PLACE.fullmatch)
    return None if found is None else (int(found[1]), int(found[2]))


def changes_behind(index: StoreIndex, after: Place | None) -> ChangeFeed:
    """Return what the index has behind a place.

    Raises `ChangesRestarted`: it is not a place of this index.
    """
    epoch, number = after or (index.epoch, 0)
    if epoch != index.epoch or number > index.revision:
        raise ChangesRestarted("Read the feed again from its start, without `after`.")
    newer = sorted((one.number, path, one.revision) for path, one in index.documents.items())
    changes = [
        Change.model_validate({"project": project, "kind": _KINDS[document], "revision": revision})
        for at, path, revision in newer
        for project, _, document in [path.partition("/")]
        if at > number
    ]
    return ChangeFeed(changes=changes, cursor=encode_cursor(f"{index.epoch}.{index.revision}"))


async def feed(
    resources: Resources,
    after: Place | None,
    *,
    wait_seconds: float,
    gone: Callable[[], Awaitable[bool]],
) -> ChangeFeed:
    """Return what changed behind `after`, None for all; wait for it, if asked to."""
    deadline = asyncio.get_running_loop().time() + wait_seconds
    path, bells = resources.documents.index.path, resources.bells
    with bells.hearing("versions.*") as rung:
        while True:
            index = await resources.store.read_document(path, StoreIndex)
            page = changes_behind(index or StoreIndex(revision=0), after)
            left = deadline - asyncio.get_running_loop().time()
            if page.changes or left <= 0 or await gone():
                return page
            await wait_for(rung, min(bells.rest_seconds(resources.common.poll_seconds), left))
