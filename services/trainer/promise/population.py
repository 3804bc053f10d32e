"""The recorded population of a certification, and the uniform draw from its candidate region.

Recent traffic once it suffices, before that the pool. Traffic is drawn with a recorded seed, the
pool in its own random order; neither look at any label.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from services.trainer.ledger import repository as ledger
from services.trainer.outcomes import repository as outcomes
from services.trainer.outcomes.evidence import evidence_of
from services.trainer.pool import repository as pool
from services.trainer.promise import repository
from services.trainer.promise.certify import eligible
from services.trainer.promise.planning import CertificationPlan, plan_certification
from services.trainer.promise.tuning import tune_of
from services.trainer.recipes import OWN
from services.trainer.registry.scores import Scores, score_items
from services.trainer.resources import Resources
from services.trainer.tables import Dataset, PoolItem, Version
from shared.contracts.base import rfc3339
from shared.contracts.certificates import complement
from shared.contracts.items import check_data
from shared.contracts.projects import Project

_TRAFFIC_LIMIT = 50_000
_POOL_SAMPLE = 20_000
_PAGE = 2_000


@dataclass(frozen=True)
class Candidate:
    """One item of a population.

    `order_key` is its place in the pool's order, else empty; `received_at` is when traffic brought
    it.
    """

    item_id: str
    data: dict[str, Any]
    metadata: dict[str, Any]
    order_key: str = ""
    received_at: datetime | None = None


@dataclass(frozen=True)
class DrawnItem:
    """A drawn item and what the version says of it."""

    candidate: Candidate
    score: float
    label: str


@dataclass(frozen=True)
class Draw:
    """A population, the plan made on its scores, and the items drawn. `record` is kept in SQL."""

    plan: CertificationPlan
    items: list[DrawnItem]
    record: dict[str, Any]
    passed_up_to: str = ""
    scores_sample: list[Candidate] = field(default_factory=list, repr=False)


@dataclass(frozen=True)
class Insufficient:
    """Why there is no draw. `is_final`: more items would not help."""

    detail: str
    is_final: bool = False


@dataclass(frozen=True)
class Question:
    """What is to be drawn: `labels` items for the given attempt at one version."""

    project: Project
    version: Version
    dataset: Dataset
    trained_on: frozenset[str]
    attempt: int

    @property
    def since(self) -> datetime:
        """Traffic from then on cannot have trained the version."""
        is_own = self.version.manifest["recipe"] == OWN
        return self.version.created_at if is_own else self.dataset.created_at

    @property
    def labels(self) -> int:
        """Items to draw."""
        return self.project.promise.certification_labels

    def plan(self, scores: Any) -> CertificationPlan | None:
        """Plan the test on the scores of a population; None if no region keeps the promise."""
        promise = self.project.promise
        return plan_certification(
            *tune_of(self.version, scores),
            scores,
            alpha=complement(promise.target_accuracy),
            delta=complement(promise.confidence),
            labels=self.labels,
            attempt=self.attempt,
        )


async def draw(resources: Resources, question: Question) -> Draw | Insufficient:
    """Draw from recent traffic if it suffices, else from the pool."""
    from_traffic = await _draw_from_traffic(resources, question)
    if isinstance(from_traffic, Draw):
        return from_traffic
    from_pool = await _draw_from_pool(resources, question)
    if isinstance(from_pool, Draw) or from_pool.is_final:
        return from_pool
    return Insufficient(
        f"waits for {question.labels} items in the candidate region: {from_traffic.detail}, "
        f"{from_pool.detail}; send traffic or import unlabelled items into the pool",
        is_final=from_traffic.is_final,
    )


async def _draw_from_traffic(resources: Resources, question: Question) -> Draw | Insufficient:
    traffic = await _traffic(resources, question)
    candidates, scored = await _scored(resources, question, traffic, least=question.labels)
    if len(candidates) < question.labels:
        return Insufficient(f"traffic has {len(candidates)} new items")
    plan = await _planned(question, scored)
    if isinstance(plan, Insufficient):
        return plan
    async with resources.database.reading() as session:
        spent = await repository.drawn_before(session, question.project.project)
        inside = np.flatnonzero(eligible(scored.scores, plan.region)).tolist()
        ids = [candidates[i].item_id for i in inside]
        known = await outcomes.of_items(session, question.project.project, ids)
    if any(not evidence_of(row).blind for row in known):
        # Which items people have seen with a suggestion depends on the items: leaving these out
        # would no longer be a uniform draw.
        return Insufficient("traffic in the region was partly reviewed with a suggestion in sight")
    open_to_draw = [i for i in inside if candidates[i].item_id not in spent]
    if len(open_to_draw) < question.labels:
        return Insufficient(f"traffic has {len(open_to_draw)} of them")
    seed = secrets.randbits(63)
    chosen = np.random.default_rng(seed).choice(open_to_draw, question.labels, replace=False)
    return Draw(
        plan=plan,
        items=[_drawn(candidates, scored, int(i)) for i in chosen],
        record=_record("traffic", candidates, seed=str(seed)),
        scores_sample=candidates,
    )


async def _traffic(resources: Resources, question: Question) -> list[Candidate]:
    """Items first decided after the version's labels were frozen, one for each content."""
    async with resources.database.reading() as session:
        rows = await ledger.first_decisions(
            session, question.project.project, question.since, _TRAFFIC_LIMIT
        )
    seen = set(question.trained_on)
    candidates = []
    for row in reversed(rows):
        data = row.row["data"]
        if row.content_hash in seen or check_data(data, question.project.fields):
            continue
        seen.add(row.content_hash)
        item = Candidate(row.item_id, data, row.row["metadata"], received_at=row.received_at)
        candidates.append(item)
    return candidates


async def _draw_from_pool(resources: Resources, question: Question) -> Draw | Insufficient:
    async with resources.database.reading() as session:
        page = await pool.waiting(session, question.project.project, _POOL_SAMPLE)
    usable = _usable(page, question)
    candidates, scored = await _scored(resources, question, usable, least=question.labels)
    if len(candidates) < question.labels:
        return Insufficient(f"the pool has {len(candidates)} items that wait")
    plan = await _planned(question, scored)
    if isinstance(plan, Insufficient):
        return plan
    found = await _walk(resources, question, plan, page, candidates, scored)
    if len(found) < question.labels:
        return Insufficient(f"the pool has {len(found)} of them")
    return Draw(
        plan=plan,
        items=found,
        record=_record("pool", candidates, seed="the pool's random order"),
        passed_up_to=found[-1].candidate.order_key,
        scores_sample=candidates,
    )


async def _walk(
    resources: Resources,
    question: Question,
    plan: CertificationPlan,
    page: Sequence[PoolItem],
    candidates: list[Candidate],
    scored: Scores,
) -> list[DrawnItem]:
    """Walk the pool's order until enough items inside the region are found, or it ends."""
    async with resources.database.reading() as session:
        spent = await repository.drawn_before(session, question.project.project)
    found: list[DrawnItem] = []
    while page:
        inside = np.flatnonzero(eligible(scored.scores, plan.region)).tolist()
        found += [
            _drawn(candidates, scored, i) for i in inside if candidates[i].item_id not in spent
        ]
        if len(found) >= question.labels:
            break
        async with resources.database.reading() as session:
            page = await pool.waiting(session, question.project.project, _PAGE, page[-1].order_key)
        candidates, scored = await _scored(resources, question, _usable(page, question))
    return found[: question.labels]


def _usable(page: Iterable[PoolItem], question: Question) -> list[Candidate]:
    """Items that fit the project as it is now and whose content has not trained the version."""
    return [
        Candidate(item.item_id, item.data, item.item_metadata, item.order_key)
        for item in page
        if item.content_hash not in question.trained_on
        and not check_data(item.data, question.project.fields)
    ]


async def _scored(
    resources: Resources, question: Question, candidates: list[Candidate], *, least: int = 1
) -> tuple[list[Candidate], Scores]:
    """Score candidates, and leave out those that the version cannot score: people get them anyway.

    Fewer than `least` are of no use: the model is not even loaded for them.
    """
    if len(candidates) < least:
        return candidates, Scores([], np.empty(0, dtype=np.float32))
    data = [candidate.data for candidate in candidates]
    scored = await score_items(resources, question.project, question.version, data)
    kept = [i for i, label in enumerate(scored.labels) if label is not None]
    scores = Scores([scored.labels[i] for i in kept], scored.scores[kept])
    return [candidates[i] for i in kept], scores


def _drawn(candidates: Sequence[Candidate], scored: Scores, index: int) -> DrawnItem:
    label = scored.labels[index]
    assert label is not None
    return DrawnItem(candidates[index], float(scored.scores[index]), label)


def _record(kind: str, candidates: Sequence[Candidate], *, seed: str) -> dict[str, Any]:
    ids = "\n".join(sorted(candidate.item_id for candidate in candidates))
    times = [item.received_at for item in candidates if item.received_at is not None]
    return {
        "kind": kind,
        "size": len(candidates),
        "digest": hashlib.sha256(ids.encode()).hexdigest(),
        "seed": seed,
        "window": {"since": rfc3339(min(times)), "until": rfc3339(max(times))} if times else None,
    }


async def _planned(question: Question, scored: Scores) -> CertificationPlan | Insufficient:
    """Plan the test, or say why no draw could certify the promise."""
    promise = question.project.promise
    try:
        plan = await asyncio.to_thread(question.plan, scored.scores)
    except ValueError as error:
        detail = (
            f"no test can be planned for target_accuracy {promise.target_accuracy} and "
            f"confidence {promise.confidence} ({error}): state lower ones"
        )
    else:
        if plan is not None and plan.predicted_power > 0:
            return plan
        detail = (
            f"{question.labels} labels cannot certify this promise: raise certification_labels"
            if plan is not None
            else f"no threshold is predicted to keep {promise.target_accuracy:.1%}: "
            "train on more labels"
        )
    return Insufficient(detail, is_final=True)
