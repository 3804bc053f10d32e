"""Cursors of the activity log, which is two lists with numbers of their own (pure)."""

import re
from dataclasses import dataclass
from typing import Self

from shared.http.lists import encode_cursor, parse_cursor

END = 2**63 - 1
_NUMBERS = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True)
class ActivityCursor:
    """The last line before a page, in the log and in the timelines of tasks."""

    entry_id: int = END
    event_id: int = END

    @classmethod
    def of(cls, cursor: str | None) -> Self:
        """Return what `cursor` names; `Unprocessable` when it is not one of this list."""
        return parse_cursor(cursor, cls._parse) or cls()

    @classmethod
    def _parse(cls, text: str) -> Self | None:
        found = _NUMBERS.fullmatch(text)
        return None if found is None else cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return encode_cursor(f"{self.entry_id}.{self.event_id}")
