"""Labels, to the canonical lines of a snapshot and back (pure).

The same labels give the same bytes, and so the same id, wherever and whenever they are frozen.
"""

import gzip
import zlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import orjson

# A larger cap cost accuracy (`python -m bench weights`).
WEIGHT_CAP = 3.0
_WEIGHT_DIGITS = 6
_GZIP = 31  # the format, for zlib
# Of a snapshot, at a time.
_DECOMPRESSED_BYTES = 256 * 1024


@dataclass(frozen=True)
class LabelledItem:
    """One row of a dataset.

    Attributes
    ----------
    weight
        By the mode of the run (`weighted`); in snapshots of the release before 1 / propensity of
        its being labelled, at most 10.
    uniform : whether it was drawn uniformly, by no model's choice.
    propensity : chance that people were asked about it; None where that is unknown.
    fold : its fold in cross-validation and calibration; None where there are too few labels.
    source : how the label was decided: human (one reviewer), consensus or adjudicator.
    verdicts : how many reviewers answered.
    instructions_revision : of the instructions under which it was labelled last.
    is_new : whether it was labelled since the last change that was found.

    The last six, from `propensity` on, are None in snapshots of the release before.
    """

    item_id: str
    data: dict[str, Any]
    label: str
    lane: str
    revision: int
    weight: float
    uniform: bool
    content_hash: str
    propensity: float | None = None
    fold: int | None = None
    source: str | None = None
    verdicts: int | None = None
    instructions_revision: int | None = None
    is_new: bool | None = None


_MEMBERS = frozenset(one.name for one in fields(LabelledItem))


def weight_of(propensity: float | None) -> float:
    """1 / propensity, at most 3: a few rare draws must not outweigh all the rest.

    Examples
    --------
    >>> weight_of(0.5), weight_of(0.01), weight_of(None)
    (2.0, 3.0, 1.0)
    """
    if propensity is None or propensity <= 0:
        return 1.0
    return min(1.0 / propensity, WEIGHT_CAP)


def weighted(items: Sequence[LabelledItem], *, equally: bool) -> list[LabelledItem]:
    """Weigh the items: `equally` all 1, else by their propensities (`weight_of`), with mean 1."""
    raw = [1.0 if equally else weight_of(item.propensity) for item in items]
    mean = sum(raw) / max(len(raw), 1)
    return [
        replace(item, weight=round(one / mean, _WEIGHT_DIGITS))
        for item, one in zip(items, raw, strict=True)
    ]


def canonical_lines(items: Iterable[LabelledItem]) -> bytes:
    """One JSON object a line, keys and items sorted; their SHA-256 is the dataset's id.

    What is not known is left out.
    """
    ordered = sorted(items, key=lambda item: item.item_id)
    return b"".join(
        orjson.dumps(
            {name: value for name, value in vars(item).items() if value is not None},
            option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE,
        )
        for item in ordered
    )


def compress(lines: bytes) -> bytes:
    """Gzip without a time stamp."""
    return gzip.compress(lines, compresslevel=6, mtime=0)


def read(body: bytes) -> Sequence[LabelledItem]:
    """Rows of a compressed snapshot, in their order."""
    return [_row(line) for line in gzip.decompress(body).splitlines()]


def _row(line: bytes) -> LabelledItem:
    # A later release may have written more members.
    members = orjson.loads(line).items()
    return LabelledItem(**{name: value for name, value in members if name in _MEMBERS})


async def read_stream(pieces: AsyncIterator[bytes]) -> AsyncIterator[LabelledItem]:
    """Give the rows of a compressed snapshot as its bytes come, in their order."""
    stream, left = zlib.decompressobj(wbits=_GZIP), b""
    async for piece in pieces:
        waiting = piece
        while waiting:
            lines = (left + stream.decompress(waiting, _DECOMPRESSED_BYTES)).split(b"\n")
            waiting, left = stream.unconsumed_tail, lines.pop()
            for line in lines:
                yield _row(line)
