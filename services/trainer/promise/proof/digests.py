"""The digests by which a certificate names its evidence (pure)."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from services.trainer.promise.proof.messages import DrawnRow, PopulationRow


def population_digest(rows: Iterable[PopulationRow]) -> str:
    """SHA-256 (hex) of the rows in their order, one JSON array a line."""
    return _digest([row.item_id, row.score, row.label, row.drawable] for row in rows)


def evidence_digest(plan: Mapping[str, Any], drawn: Iterable[DrawnRow]) -> str:
    """SHA-256 (hex) of the plan, and of the drawn items with their verdicts.

    Their contents' digests are left out: these go when an item is erased.
    """
    kept = (
        [row.item_id, row.score, row.label, row.copy_of, row.verdict, row.finding] for row in drawn
    )
    return _digest([plan, *kept])


def json_digest(value: Any) -> str:
    """SHA-256 (hex) of a JSON value, keys sorted."""
    return _digest([value])


def _digest(values: Iterable[Any]) -> str:
    digest = hashlib.sha256()
    for value in values:
        digest.update(orjson.dumps(value, option=orjson.OPT_SORT_KEYS) + b"\n")
    return digest.hexdigest()
