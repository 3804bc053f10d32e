"""Decisions a day, by version and reason, with a histogram of confidences (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

BINS = 50


class DayKey(NamedTuple):
    """What is counted apart: the day (UTC) of receipt, version and reason.

    `version` is empty where no version scored the item.
    """

    day: str
    version: str
    reason: str


@dataclass
class DayCount:
    """`decisions`, and how many of them had a confidence in each of `BINS` equal bins."""

    decisions: int = 0
    confidences: list[int] = field(default_factory=lambda: [0] * BINS)


def bin_of(confidence: float) -> int:
    """Return the bin of a confidence in [0, 1].

    Examples
    --------
    >>> bin_of(0.0), bin_of(0.5), bin_of(1.0)
    (0, 25, 49)
    """
    return min(BINS - 1, max(0, int(confidence * BINS)))


def count_days(rows: Iterable[Mapping[str, Any]]) -> dict[DayKey, DayCount]:
    """Count rows of the ledger: `received_at`, `model_version`, and the logged `row`."""
    counts: dict[DayKey, DayCount] = {}
    for one in rows:
        received_at: datetime = one["received_at"]
        logged: Mapping[str, Any] = one["row"]
        day = received_at.date().isoformat()
        key = DayKey(day, one["model_version"] or "", logged["reason"])
        count = counts.setdefault(key, DayCount())
        count.decisions += 1
        if (confidence := logged["confidence"]) is not None:
            count.confidences[bin_of(confidence)] += 1
    return counts
