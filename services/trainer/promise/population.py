"""The population of a certification: its items, their scores, and the plan made on these."""

import asyncio
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from services.trainer.datasets.holdout import Holdout
from services.trainer.datasets.snapshot import LabelledItem
from services.trainer.promise.certify import eligible
from services.trainer.promise.label_noise import LEAST_PROBES
from services.trainer.promise.planning import (
    CertificationPlan,
    best_power,
    plan_certification,
)
from services.trainer.promise.proof.digests import population_digest
from services.trainer.promise.proof.messages import PopulationRow
from services.trainer.promise.sampling import places_drawn
from services.trainer.promise.tuning import tune_of
from services.trainer.recipes import OWN
from services.trainer.registry.scores import score_items
from services.trainer.resources import Resources
from services.trainer.tables import Dataset, Version
from shared.contracts.base import rfc3339
from shared.contracts.certificates import complement
from shared.contracts.human_error import HumanError
from shared.contracts.projects import Project


@dataclass(frozen=True)
class PopulationItem:
    """One item of a population.

    `order_key` is its place in the pool's order, else empty; `received_at` is when traffic brought
    it, and `content_hash` that of its data. `score` and `label` are the version's, once it has
    scored it.
    """

    item_id: str
    data: dict[str, Any]
    metadata: dict[str, Any]
    order_key: str = ""
    received_at: datetime | None = None
    content_hash: str = ""
    score: float = 0.0
    label: str = ""


@dataclass(frozen=True)
class PopulationDraw:
    """A population, the plan made on its scores, and the items drawn.

    `copies` names, for each drawn item whose content was drawn before it, the first drawn item of
    that content: its verdict serves both. `record` is kept in SQL, and so are `rows`, one for each
    of the `population`. `champions` has a certified champion's answers to the items, by their ids.
    """

    plan: CertificationPlan
    items: list[PopulationItem]
    record: dict[str, Any]
    copies: dict[str, str] = field(default_factory=dict)
    passed_up_to: str = ""
    population: list[PopulationItem] = field(default_factory=list, repr=False)
    rows: list[PopulationRow] = field(default_factory=list, repr=False)
    champions: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Insufficient:
    """Why there is no draw. `is_final`: more items would not help."""

    detail: str
    is_final: bool = False


@dataclass(frozen=True)
class DrawRequest:
    """A draw of `labels` items for one attempt at certifying a version.

    `test_number` is the number of its test among those of its period. With `going_on`, a
    population's kind and a plan, it goes on with a test that has had draws from there; without, it
    begins a test of up to `draws` draws. `human_error` is what is known of the reviewers before any
    of them answers. With `not_before`, only traffic from then on counts. With `holdout`, what it
    holds of the traffic from before the version's labels were frozen counts as well. Without
    `uses_pool` traffic alone does.
    """

    resources: Resources
    project: Project
    version: Version
    dataset: Dataset
    trained_on: Sequence[LabelledItem]
    test_number: int
    human_error: HumanError
    draws: int = 1
    going_on: tuple[str, CertificationPlan] | None = None
    not_before: datetime | None = None
    holdout: Holdout | None = None
    uses_pool: bool = True

    @property
    def frozen_at(self) -> datetime:
        """Traffic from then on cannot have trained the version."""
        is_own = self.version.manifest["recipe"] == OWN
        return self.version.created_at if is_own else self.dataset.created_at

    @property
    def since(self) -> datetime:
        """When the first traffic came that may count."""
        first = self.frozen_at if self.holdout is None else min(self.frozen_at, self.holdout.since)
        return first if self.not_before is None else max(first, self.not_before)

    @property
    def labels(self) -> int:
        """Items to draw."""
        if self.going_on is not None:
            return self.going_on[1].labels_of_draw
        return self.project.promise.certification_labels

    def plan(self, scores: Any) -> CertificationPlan | None:
        """Plan the test on the scores of a population; None if no region keeps the promise."""
        if self.going_on is not None:
            return self.going_on[1]
        promise = self.project.promise
        return plan_certification(
            *tune_of(self.version, scores),
            scores,
            alpha=complement(promise.target_accuracy),
            delta=complement(promise.confidence),
            labels=self.labels,
            attempt=self.test_number,
            draws=self.draws,
            misses=self.human_error.misses,
            probes=self.human_error.probes,
        )


async def plan_on(
    request: DrawRequest, candidates: list[PopulationItem], shortage: str
) -> tuple[list[PopulationItem], CertificationPlan] | Insufficient:
    """Score a population and plan the test, or say why no draw could certify the promise."""
    if len(candidates) < request.labels:
        return Insufficient(shortage.format(len(candidates)))
    scored = await score_candidates(request, candidates)
    if len(scored) < request.labels:
        return Insufficient(shortage.format(len(scored)))
    promise, human_error = request.project.promise, request.human_error
    if LEAST_PROBES <= human_error.probes == human_error.misses:
        detail = f"reviewers missed all {human_error.probes} known-wrong answers"
        return Insufficient(f"{detail}: their labels prove nothing", is_final=True)
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
    if best_power(plan) == 0:
        detail = f"{request.labels} labels cannot certify this promise: raise certification_labels"
        return Insufficient(detail, is_final=True)
    return scored, plan


async def score_candidates(
    request: DrawRequest, candidates: list[PopulationItem]
) -> list[PopulationItem]:
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


def in_region(scored: list[PopulationItem], plan: CertificationPlan) -> list[PopulationItem]:
    """Return the candidates in the region that labels are drawn from."""
    is_inside = eligible([item.score for item in scored], plan.region)
    return [item for item, inside in zip(scored, is_inside, strict=True) if inside]


def draw_items(
    kind: str,
    population: list[PopulationItem],
    plan: CertificationPlan,
    *,
    seed: str,
    spent: Container[str] = (),
) -> PopulationDraw | None:
    """Draw the plan's labels from the region; None if it has too few items.

    Parameters
    ----------
    population
        Scored, in the order that the draw goes by.
    spent
        Items that were drawn before: no item is drawn twice.
    """
    drawable = [item for item in in_region(population, plan) if item.item_id not in spent]
    if len(drawable) < plan.labels_of_draw:
        return None
    places = places_drawn(kind, seed, len(drawable), plan.labels_of_draw)
    rows = [
        PopulationRow(
            item_id=item.item_id,
            score=item.score,
            label=item.label,
            drawable=item.item_id not in spent,
        )
        for item in population
    ]
    record = _record_of(kind, population, rows, seed)
    items = [drawable[place] for place in places]
    return PopulationDraw(plan=plan, items=items, record=record, population=population, rows=rows)


def _record_of(
    kind: str, population: Sequence[PopulationItem], rows: Sequence[PopulationRow], seed: str
) -> dict[str, Any]:
    """Return what a certificate names of its population."""
    times = [item.received_at for item in population if item.received_at is not None]
    return {
        "kind": kind,
        "size": len(population),
        "digest": population_digest(rows),
        "seed": seed,
        "window": {"since": rfc3339(min(times)), "until": rfc3339(max(times))} if times else None,
    }
