"""What writers of all formats share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import orjson

Record = dict[str, Any]


class Writer(ABC):
    """Writes one file, piece by piece: begin, any number of records, end.

    A record has the keys of `TaskRecord`, times as aware datetimes.
    """

    def begin(self) -> bytes:
        """Return what comes before the first record."""
        return b""

    @abstractmethod
    def records(self, records: Sequence[Record]) -> bytes:
        """Return the next piece; it may be empty while a larger one is collected."""

    def end(self) -> bytes:
        """Return what comes after the last record."""
        return b""


def to_json(value: Any) -> bytes:
    """Return `value` as JSON; times in UTC, to the microsecond where they have one."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)
