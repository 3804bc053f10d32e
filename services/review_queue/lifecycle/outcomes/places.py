"""Places in the outcomes feed, and the cursors that name them.

A position alone would not do: after a restore the database gives the same positions to other
outcomes. So a cursor also says in which epoch of the feed it was given, and marks the outcome that
it is behind.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.tables import FIRST_EPOCH
from shared.http.lists import encode_cursor, parse_cursor

# `EPOCH.POSITION.MARK`; releases before the epochs gave the position alone.
_PLACE = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})\.([0-9a-f]{0,16})")
_BARE = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Place:
    """The place behind the outcome at `position`, 0 for the start of the feed.

    `mark` tells that outcome from any other; it is empty at the start, and where it is not known.
    """

    epoch: int = FIRST_EPOCH
    position: int = 0
    mark: str = ""

    @property
    def cursor(self) -> str:
        """The cursor that names this place."""
        return encode_cursor(f"{self.epoch}.{self.position}.{self.mark}")


def place_of(cursor: str | None) -> Place | None:
    """Return the place that `cursor` names, None for no cursor; `Unprocessable` if it has none."""
    return parse_cursor(cursor, _place)


def _place(position: str) -> Place | None:
    if _BARE.fullmatch(position):
        return Place(position=int(position))
    found = _PLACE.fullmatch(position)
    return None if found is None else Place(int(found[1]), int(found[2]), found[3])


def mark_of(task_id: str, revision: int, label: str | None, resolved_at: datetime) -> str:
    """Return what tells an outcome from any other; none of it ever changes."""
    text = f"{task_id} {revision} {label} {resolved_at.isoformat()}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
