"""What an item's answers rest on, and the items that are most like it.

Texts are compared by their words: the share that two items have in common of all words of both
(Jaccard), in any order and without regard to case.
"""

import asyncio
import heapq
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.trainer.ledger.service import explained
from services.trainer.lineage import repository
from services.trainer.lineage.messages import (
    AnswerLineage,
    ItemLineage,
    MadeBy,
    PeopleSaid,
    ProvedBy,
    SimilarItem,
    SimilarItems,
    TrainedOn,
)
from services.trainer.resources import Resources
from services.trainer.tables import Certification, Dataset, ModelLabel, OutcomeRow, Version
from shared.contracts.base import rfc3339, task_id_for
from shared.problems import NotFound

_ANSWERS = 20
_SIMILAR, _SEARCHED, _PAGE = 10, 5_000, 500
_WORD = re.compile(r"\w+")
_MOST_WORDS, _MOST_CHARACTERS = 2_000, 100_000


async def of_item(resources: Resources, project: str, item_id: str) -> ItemLineage:
    """Return what an item's newest answers rest on; `NotFound` where nothing is known of it."""
    async with resources.database.reading() as session:
        rows = await repository.newest_decisions(session, project, item_id, _ANSWERS)
        given, item, people = await repository.of_item(session, project, item_id)
    if not rows and given is None and people is None:
        raise _unknown(item_id)
    decisions = await explained(resources, project, rows)
    named = {row.model_version for row in rows} | ({given.version} if given else set())
    async with resources.database.reading() as session:
        records = await repository.records(session, project, {name for name in named if name})
    answers = [
        _answer("predict", decision, decision["model_version"], row.received_at, records)
        for row, decision in zip(rows, decisions, strict=True)
    ]
    if given is not None:
        decision = _of_job(given, {} if item is None else item.data)
        answers.append(_answer("job", decision, given.version, given.given_at, records))
        answers.sort(key=lambda one: str(one.decision["decided_at"]), reverse=True)
    said = None if people is None else _people(project, people)
    return ItemLineage(item_id=item_id, answers=answers, people=said)


async def similar_items(resources: Resources, project: str, item_id: str) -> SimilarItems:
    """Return labelled items that are like an item; `NotFound` where its content is not kept."""
    async with resources.database.reading() as session:
        data = await repository.data_of(session, project, item_id)
        if not data:
            raise _unknown(item_id)
    searched, found, by_id = await _search(resources, project, item_id, words_of(data))
    items = [
        SimilarItem(
            item_id=one,
            label=by_id[one].label or "",
            similarity=similarity,
            data=by_id[one].data,
            resolved_at=by_id[one].resolved_at,
        )
        for similarity, one in found
    ]
    return SimilarItems(item_id=item_id, searched=searched, items=items)


def words_of(data: Mapping[str, Any]) -> frozenset[str]:
    """Return the words of an item's texts, the first 2,000.

    Examples
    --------
    >>> sorted(words_of({"text": "The box, the BOX", "stars": 4}))
    ['box', 'the']
    """
    found: set[str] = set()
    for value in data.values():
        if not isinstance(value, str):
            continue
        for word in _WORD.finditer(value[:_MOST_CHARACTERS].casefold()):
            found.add(word[0])
            if len(found) >= _MOST_WORDS:
                return frozenset(found)
    return frozenset(found)


def nearest(
    words: frozenset[str], others: Iterable[tuple[str, Mapping[str, Any]]], most: int
) -> list[tuple[float, str]]:
    """Return similarity, in (0, 1], and id of up to `most` items with a word in common.

    Parameters
    ----------
    others : ids and data

    Examples
    --------
    >>> nearest(frozenset({"a", "b"}), [("x", {"t": "b c"}), ("y", {"t": "c"})], 5)
    [(0.3333333333333333, 'x')]
    """
    scored = (
        (len(words & theirs) / len(words | theirs), item_id)
        for item_id, data in others
        if words & (theirs := words_of(data))
    )
    return heapq.nlargest(most, scored)


async def _search(
    resources: Resources, project: str, item_id: str, words: frozenset[str]
) -> tuple[int, list[tuple[float, str]], dict[str, OutcomeRow]]:
    """Search page by page, for items may be large; return how many were searched, and the best."""
    searched, before = 0, None
    found: list[tuple[float, str]] = []
    kept: dict[str, OutcomeRow] = {}
    while searched < _SEARCHED:
        async with resources.database.reading() as session:
            rows = await repository.newest_labelled(session, project, item_id, _PAGE, before)
        if not rows:
            break
        others = [(row.item_id, row.data) for row in rows]
        better = await asyncio.to_thread(nearest, words, others, _SIMILAR)
        found = heapq.nlargest(_SIMILAR, [*found, *better])
        kept |= {row.item_id: row for row in rows}
        kept = {one: kept[one] for _, one in found}
        searched, before = searched + len(rows), rows[-1].position
    return searched, found, kept


def _answer(
    source: str,
    decision: dict[str, Any],
    name: str | None,
    at: datetime,
    records: repository.Records,
) -> AnswerLineage:
    version = records.versions.get(name or "")
    if version is None:
        nothing = dict.fromkeys(("model_sha256", "run", "dataset", "certificate"))
        return AnswerLineage(source=source, decision=decision, **nothing)
    run = records.runs.get(version.run_id)
    return AnswerLineage(
        source=source,
        decision=decision,
        model_sha256=version.manifest.get("model_sha256"),
        run=None if run is None else MadeBy.model_validate(run, from_attributes=True),
        dataset=_trained_on(version, records.datasets.get(version.dataset_id)),
        certificate=_proved_by(records.certifications, version.version, at),
    )


def _trained_on(version: Version, dataset: Dataset | None) -> TrainedOn | None:
    if not version.dataset_id:
        return None
    if dataset is None:
        return TrainedOn(dataset_id=version.dataset_id, items=None, labels=None, created_at=None)
    return TrainedOn.model_validate(dataset, from_attributes=True)


def _proved_by(
    certifications: Sequence[Certification], version: str, at: datetime
) -> ProvedBy | None:
    """Return the newest certification of a version that had ended by then."""
    before = [
        one
        for one in certifications
        if one.version == version and one.closed_at is not None and one.closed_at <= at
    ]
    if not before:
        return None
    result = before[-1].result or {}
    return ProvedBy(
        certification_id=before[-1].certification_id,
        certified_at=before[-1].closed_at,
        threshold=result.get("threshold"),
        attempt=before[-1].attempt,
        labels=result.get("labels"),
        errors=result.get("errors"),
    )


def _of_job(given: ModelLabel, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "item_id": given.item_id,
        "data": data,
        "decision": "answered",
        "reason": "confident",
        "label": given.label,
        "suggestion": given.label,
        "confidence": given.confidence,
        "model_version": given.version,
        "decided_at": rfc3339(given.given_at),
        "explanation": (
            f"Labelled by a job: confidence {given.confidence:.4g} reaches the certified threshold"
            f" {given.threshold:.4g} of {given.version}."
        ),
    }


def _people(project: str, row: OutcomeRow) -> PeopleSaid:
    members = PeopleSaid.model_fields.keys() - {"task_id"}
    shown = {name: getattr(row, name) for name in members}
    return PeopleSaid(task_id=task_id_for(project, row.item_id), **shown)


def _unknown(item_id: str) -> NotFound:
    return NotFound(
        "Nothing is known of the item: it was never decided, or longer ago than the project keeps.",
        item_id=item_id[:200],
    )
