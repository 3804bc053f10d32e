"""The recorded population of a certification, and the uniform draw from its candidate region.

Recent traffic once it suffices, before that the pool. Traffic is drawn with a recorded seed, the
pool in its own random order; neither look at any label.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
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
from services.trainer.registry.scores import score_items
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
    it. `score` and `label` are the version's, once it has scored it.
    """

    item_id: str
    data: dict[str, Any]
    metadata: dict[str, Any]
    order_key: str = ""
    received_at: datetime | None = None
    score: float = 0.0
    label: str = ""


@dataclass(frozen=True)
class Draw:
    """A population, the plan made on its scores, and the items drawn. `record` is kept in SQL."""

    plan: CertificationPlan
    items: list[Candidate]
    record: dict[str, Any]
    passed_up_to: str = ""
    population: list[Candidate] = field(default_factory=list, repr=False)


@dataclass(frozen=True)
class Insufficient:
    """Why there is no draw. `is_final`: more items would not help."""

    detail: str
    is_final: bool = False


@dataclass(frozen=True)
class DrawRequest:
    """A draw of `labels` items for one attempt at certifying a version.

    `test_number` is the attempt's number among the tests of its period.
    """

    resources: Resources
    project: Project
    version: Version
    dataset: Dataset
    trained_on: frozenset[str]
    test_number: int

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
            attempt=self.test_number,
        )


async def draw(request: DrawRequest) -> Draw | Insufficient:
    """Draw from recent traffic if it suffices, else from the pool."""
    from_traffic = await _draw_from_traffic(request)
    if isinstance(from_traffic, Draw):
        return from_traffic
    from_pool = await _draw_from_pool(request)
    if isinstance(from_pool, Draw) or from_pool.is_final:
        return from_pool
    return Insufficient(
        f"waits for {request.labels} items in the candidate region: {from_traffic.detail}, "
        f"{from_pool.detail}; send traffic or import unlabelled items into the pool",
        is_final=from_traffic.is_final,
    )


async def _draw_from_traffic(request: DrawRequest) -> Draw | Insufficient:
    name = request.project.project
    traffic = await _traffic(request)
    planned = await _planned(request, traffic, "traffic has {} new items")
    if isinstance(planned, Insufficient):
        return planned
    scored, plan = planned
    inside = _inside(scored, plan)
    async with request.resources.database.reading() as session:
        spent = await repository.drawn_before(session, name)
        known = await outcomes.of_items(session, name, [item.item_id for item in inside])
    if any(not evidence_of(row).blind for row in known):
        # Which items people have seen with a suggestion depends on the items: leaving these out
        # would no longer be a uniform draw.
        return Insufficient("traffic in the region was partly reviewed with a suggestion in sight")
    unspent = [item for item in inside if item.item_id not in spent]
    if len(unspent) < request.labels:
        return Insufficient(f"traffic has {len(unspent)} of them")
    seed = secrets.randbits(63)
    chosen = np.random.default_rng(seed).choice(len(unspent), request.labels, replace=False)
    return Draw(
        plan=plan,
        items=[unspent[i] for i in chosen],
        record=_record("traffic", scored, seed=str(seed)),
        population=scored,
    )


async def _traffic(request: DrawRequest) -> list[Candidate]:
    """Items first decided after the version's labels were frozen, one for each content."""
    async with request.resources.database.reading() as session:
        rows = await ledger.first_decisions(
            session, request.project.project, request.since, _TRAFFIC_LIMIT
        )
    seen = set(request.trained_on)
    candidates = []
    for row in reversed(rows):
        data = row.row["data"]
        if row.content_hash in seen or check_data(data, request.project.fields):
            continue
        seen.add(row.content_hash)
        item = Candidate(row.item_id, data, row.row["metadata"], received_at=row.received_at)
        candidates.append(item)
    return candidates


async def _draw_from_pool(request: DrawRequest) -> Draw | Insufficient:
    async with request.resources.database.reading() as session:
        page = await pool.waiting(session, request.project.project, _POOL_SAMPLE)
    usable = _usable(page, request)
    planned = await _planned(request, usable, "the pool has {} items that wait")
    if isinstance(planned, Insufficient):
        return planned
    scored, plan = planned
    found = await _walk(request, plan, page, scored)
    if len(found) < request.labels:
        return Insufficient(f"the pool has {len(found)} of them")
    return Draw(
        plan=plan,
        items=found,
        record=_record("pool", scored, seed="the pool's random order"),
        passed_up_to=found[-1].order_key,
        population=scored,
    )


async def _walk(
    request: DrawRequest,
    plan: CertificationPlan,
    page: Sequence[PoolItem],
    scored: list[Candidate],
) -> list[Candidate]:
    """Walk the pool's order until enough items inside the region are found, or it ends."""
    name = request.project.project
    async with request.resources.database.reading() as session:
        spent = await repository.drawn_before(session, name)
    found: list[Candidate] = []
    while page:
        found += [item for item in _inside(scored, plan) if item.item_id not in spent]
        if len(found) >= request.labels:
            break
        async with request.resources.database.reading() as session:
            page = await pool.waiting(session, name, _PAGE, page[-1].order_key)
        scored = await _scored(request, _usable(page, request))
    return found[: request.labels]


def _usable(page: Iterable[PoolItem], request: DrawRequest) -> list[Candidate]:
    """Items that fit the project as it is now and whose content has not trained the version."""
    return [
        Candidate(item.item_id, item.data, item.item_metadata, item.order_key)
        for item in page
        if item.content_hash not in request.trained_on
        and not check_data(item.data, request.project.fields)
    ]


async def _scored(request: DrawRequest, candidates: list[Candidate]) -> list[Candidate]:
    """Score candidates without those that the version cannot score: people get them anyway."""
    if not candidates:
        return []
    data = [candidate.data for candidate in candidates]
    scored = await score_items(request.resources, request.project, request.version, data)
    return [
        replace(candidate, score=score, label=label)
        for candidate, score, label in zip(
            candidates, scored.scores.tolist(), scored.labels, strict=True
        )
        if label is not None
    ]


def _inside(scored: list[Candidate], plan: CertificationPlan) -> list[Candidate]:
    is_inside = eligible([item.score for item in scored], plan.region)
    return [item for item, inside in zip(scored, is_inside, strict=True) if inside]


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


async def _planned(
    request: DrawRequest, candidates: list[Candidate], shortage: str
) -> tuple[list[Candidate], CertificationPlan] | Insufficient:
    """Score a population and plan the test, or say why no draw could certify the promise."""
    if len(candidates) < request.labels:
        return Insufficient(shortage.format(len(candidates)))
    scored = await _scored(request, candidates)
    if len(scored) < request.labels:
        return Insufficient(shortage.format(len(scored)))
    promise = request.project.promise
    scores = np.array([item.score for item in scored], dtype=np.float32)
    try:
        plan = await asyncio.to_thread(request.plan, scores)
    except ValueError as error:
        detail = (
            f"no test can be planned for target_accuracy {promise.target_accuracy} and "
            f"confidence {promise.confidence} ({error}): state lower ones"
        )
        return Insufficient(detail, is_final=True)
    if plan is None:
        target = f"{promise.target_accuracy:.1%}"
        detail = f"no threshold is predicted to keep {target}: train on more labels"
        return Insufficient(detail, is_final=True)
    if plan.predicted_power == 0:
        detail = f"{request.labels} labels cannot certify this promise: raise certification_labels"
        return Insufficient(detail, is_final=True)
    return scored, plan
