"""Places in the activity log: it is two lists, each with its own numbers (pure)."""

import re
from dataclasses import dataclass

from shared.http.lists import decode_cursor, encode_cursor
from shared.problems import Unprocessable

END = 2**63 - 1
_PLACE = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")


@dataclass(frozen=True)
class Place:
    """Behind which lines a page begins: the log's own, and those of timelines."""

    recorded: int = END
    told: int = END

    @classmethod
    def of(cls, cursor: str | None) -> "Place":
        """Return the place of a cursor; `Unprocessable` when it is none of this list."""
        text = decode_cursor(cursor)
        if text is None:
            return cls()
        found = _PLACE.fullmatch(text)
        if found is None or not text.isascii():
            raise Unprocessable([("/query/after", "is not a cursor of this list")])
        return cls(int(found[1]), int(found[2]))

    @property
    def cursor(self) -> str:
        """The place as an opaque cursor."""
        return encode_cursor(f"{self.recorded}.{self.told}")
