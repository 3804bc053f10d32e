"""What is watched of each decision: the model's confidence, and simple figures of the input (pure).

A stream is named `confidence`, `margin` (of the first label's probability over the second's, where
there are three labels or more), `length:FIELD` (characters of a text) or `number:FIELD`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from services.trainer.monitoring.drift.detector import MOST_STREAMS, FloatArray
from shared.contracts.projects import Project

_MISSING = -np.inf
_FIELD_STREAMS = {"text": "length", "number": "number"}


def streams_of(project: Project) -> list[str]:
    """Return the names of a project's streams, at most 8: the confidence's is the first."""
    margin = ["margin"] if len(project.labels) > 2 else []
    fields = [
        f"{_FIELD_STREAMS[field.type]}:{name}"
        for name, field in project.fields.items()
        if field.type in _FIELD_STREAMS
    ]
    return ["confidence", *margin, *fields][:MOST_STREAMS]


def values_of(rows: Sequence[Mapping[str, Any]], streams: Sequence[str]) -> FloatArray:
    """Return the value of each decision in each stream, shape (rows, streams).

    `rows` are decisions as they were logged, with a confidence; -inf stands for a missing value.
    """
    values = [[_value(row, stream) for stream in streams] for row in rows]
    return np.array(values, dtype=np.float64).reshape(len(rows), len(streams))


def _value(row: Mapping[str, Any], stream: str) -> float:
    if stream == "confidence":
        return float(row["confidence"])
    if stream == "margin":
        highest = sorted((row.get("probabilities") or {}).values(), reverse=True)[:2]
        return float(highest[0] - highest[1]) if len(highest) == 2 else _MISSING
    kind, _, name = stream.partition(":")
    value = row["data"].get(name)
    if kind == "length" and isinstance(value, str):
        return float(len(value))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if kind == "number" and is_number else _MISSING


def words_of(stream: str) -> str:
    """Return a stream's name as people read it.

    Examples
    --------
    >>> words_of("length:text"), words_of("confidence")
    ('length of text', 'confidence')
    """
    kind, _, name = stream.partition(":")
    return f"length of {name}" if kind == "length" else name or kind
