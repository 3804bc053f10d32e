"""Turn judged decisions into evidence for slices (pure).

Whether an item was labelled depends on the model: items in review always are, answered items by a
draw. So each item has the weight 1 / the probability that it was labelled. Items whose probability
is unknown do not count: people may have selected them because the answer looked wrong.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from services.trainer.monitoring.slices.finding import LabelledItems, Predicate
from services.trainer.monitoring.slices.repository import Judged
from services.trainer.monitoring.slices.topics import topics_of
from shared.contracts.projects import Project

SUGGESTED = "suggested label"
_VALUES = 40
_MOST_WEIGHT = 100.0
_EXCERPT = 200


def weight_of(judged: Judged) -> float | None:
    """Return 1 / the chance that the item was labelled; None where it is not known."""
    row = judged.row
    if judged.lane == "relabel" and judged.asked_with:
        chance = judged.asked_with
    elif row["decision"] == "answered" and row["audited"]:
        chance = row["propensity"]
    elif row["decision"] == "in_review" and row["reason"] != "optional_review":
        chance = 1.0
    else:
        return None
    return min(1.0 / chance, _MOST_WEIGHT) if chance else None


def suggestion_of(row: Mapping[str, Any]) -> str | None:
    """Return the label that the version gave, told to the caller or not."""
    found: str | None = row.get("suggestion") or row.get("label")
    return found


def evidence_of(
    project: Project, judged: Sequence[Judged], known: Sequence[dict[str, str]] | None = None
) -> tuple[LabelledItems, list[Judged]]:
    """Return the evidence, and the judged decisions that are its rows.

    `known` is what `facts_of` says of them, where it was asked before.
    """
    counted = [
        (number, one)
        for number, one in enumerate(judged)
        if suggestion_of(one.row) is not None and weight_of(one) is not None
    ]
    rows = [one for _, one in counted]
    if known is None:
        facts = facts_of(project, [one.row for one in rows])
    else:
        facts = [known[number] for number, _ in counted]
    counts = Counter(fact for of_row in facts for fact in of_row.items())
    kept: dict[Predicate, int] = {}
    values: Counter[str] = Counter()
    for (key, value), _ in counts.most_common():
        if values[key] < _VALUES:
            values[key] += 1
            kept[(key, value)] = len(kept)
    holds = np.zeros((len(rows), len(kept)), dtype=bool)
    for number, of_row in enumerate(facts):
        for fact in of_row.items():
            if fact in kept:
                holds[number, kept[fact]] = True
    evidence = LabelledItems(
        predicates=list(kept),
        holds=holds,
        wrong=np.array([suggestion_of(one.row) != one.label for one in rows], dtype=bool),
        weights=np.array([weight_of(one) or 1.0 for one in rows], dtype=float),
        confirming=np.array([_is_second(one.item_id) for one in rows], dtype=bool),
    )
    return evidence, rows


def facts_of(project: Project, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return what is true of each decision: metadata, suggested label, topic of its texts."""
    facts: list[dict[str, str]] = [
        {key: str(value) for key, value in row["metadata"].items()} for row in rows
    ]
    for of_row, row in zip(facts, rows, strict=True):
        if (suggestion := suggestion_of(row)) is not None:
            of_row[SUGGESTED] = suggestion
    for name, field in project.fields.items():
        if field.type == "text":
            names, found = topics_of([str(row["data"].get(name, "")) for row in rows])
            for of_row, topic in zip(facts, found.tolist(), strict=True):
                if topic >= 0:
                    of_row[f"topic of {name}"] = names[topic]
    return facts


def excerpt_of(row: Mapping[str, Any]) -> str:
    """Return the beginning of an item's texts."""
    texts = [value for value in row["data"].values() if isinstance(value, str)]
    return " · ".join(texts)[:_EXCERPT]


def _is_second(item_id: str) -> bool:
    """Draw the half of an item by its id: the same one whenever slices are looked for."""
    return blake2b(item_id.encode(), digest_size=1, person=b"slices").digest()[0] % 2 == 1
