"""Labels, to the canonical lines of a snapshot and back (pure).

The same labels give the same bytes, and so the same id, wherever and whenever they are frozen.
"""

import gzip
import zlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

_WEIGHT_CAP = 10.0
_GZIP = 31  # the format, for zlib
# Of a snapshot, at a time.
_DECOMPRESSED_BYTES = 256 * 1024


@dataclass(frozen=True)
class LabelledItem:
    """One row of a dataset.

    Attributes
    ----------
    weight : 1 / propensity of its being labelled, at most 10; 1 where that is unknown.
    uniform : whether it was drawn uniformly, by no model's choice.
    """

    item_id: str
    data: dict[str, Any]
    label: str
    lane: str
    revision: int
    weight: float
    uniform: bool
    content_hash: str


def weight_of(propensity: float | None) -> float:
    """1 / propensity, at most 10: a few rare draws must not outweigh all the rest.

    Examples
    --------
    >>> weight_of(0.5), weight_of(0.01), weight_of(None)
    (2.0, 10.0, 1.0)
    """
    if propensity is None or propensity <= 0:
        return 1.0
    return min(1.0 / propensity, _WEIGHT_CAP)


def canonical_lines(items: Iterable[LabelledItem]) -> bytes:
    """One JSON object a line, keys and items sorted; their SHA-256 is the dataset's id."""
    ordered = sorted(items, key=lambda item: item.item_id)
    return b"".join(
        orjson.dumps(vars(item), option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
        for item in ordered
    )


def compress(lines: bytes) -> bytes:
    """Gzip without a time stamp."""
    return gzip.compress(lines, compresslevel=6, mtime=0)


def read(body: bytes) -> Sequence[LabelledItem]:
    """Rows of a compressed snapshot, in their order."""
    return [LabelledItem(**orjson.loads(line)) for line in gzip.decompress(body).splitlines()]


async def read_stream(pieces: AsyncIterator[bytes]) -> AsyncIterator[LabelledItem]:
    """Give the rows of a compressed snapshot as its bytes come, in their order."""
    stream, left = zlib.decompressobj(wbits=_GZIP), b""
    async for piece in pieces:
        waiting = piece
        while waiting:
            lines = (left + stream.decompress(waiting, _DECOMPRESSED_BYTES)).split(b"\n")
            waiting, left = stream.unconsumed_tail, lines.pop()
            for line in lines:
                yield LabelledItem(**orjson.loads(line))
