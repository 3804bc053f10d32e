"""Make relabel plans of the traffic since the drift began, and start them."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.trainer.datasets.holdout import Holdout
from services.trainer.datasets.repository import drawn_items
from services.trainer.idempotency.service import KeyedRequest
from services.trainer.ledger.lookup import drift_began_at
from services.trainer.monitoring.relabel import repository
from services.trainer.monitoring.relabel.messages import (
    PlanDocument,
    PlannedSlice,
    PlanPart,
    PlanRequest,
    PlanView,
    Tranche,
)
from services.trainer.monitoring.relabel.planning import LEAST_OF_SLICE, RelabelDraw, draw
from services.trainer.monitoring.relabel.repository import NewItem
from services.trainer.monitoring.slices import repository as judged_items
from services.trainer.monitoring.slices.finding import find_slices
from services.trainer.monitoring.slices.gathering import evidence_of, facts_of, suggestion_of
from services.trainer.monitoring.slices.messages import PredicateView
from services.trainer.monitoring.slices.repository import Judged
from services.trainer.projects.repository import locking, read_state
from services.trainer.projects.service import work_bell
from services.trainer.resources import Resources
from services.trainer.tables import DriftWatch, RelabelPlan
from shared.contracts.base import from_stored, new_id
from shared.contracts.projects import Project
from shared.db import Session
from shared.problems import Conflict, NotFound

_READ = 10_000
_JUDGED = 5_000
_LISTED = 100
_MOST_BY_DEFAULT = 1_000


async def make(
    resources: Resources, project: Project, labels: int | None, key: str | None = None
) -> PlanView:
    """Plan what to label; nothing is posted before `start`. The same key gives the same plan, once.

    `Conflict` without a champion, or where no item of it waits for a label; `KeyReused`.
    """
    name, asked = project.project, KeyedRequest.of("relabel-plan", key, PlanRequest(labels=labels))
    async with resources.database.reading() as session:
        before = await asked.created(session, name, resources.now())
    if before is not None:
        return await describe(resources, name, before)
    wanted = labels or min(project.training.min_new_labels, _MOST_BY_DEFAULT)
    async with resources.slicing:
        sources, seed = await _read(resources, project), secrets.randbits(63)
        document, drawn = await asyncio.to_thread(_plan, project, sources, wanted, seed)
    plan_id = new_id()
    plan = RelabelPlan(
        plan_id=plan_id,
        project=project.project,
        version=sources.version,
        document=document.model_dump(mode="json"),
        created_at=resources.now(),
    )
    async with locking(resources.database, name) as (session, _):
        before = await asked.created(session, name, resources.now())
        if before is None:
            await repository.add(session, plan, _rows(plan, sources.items, drawn))
            await asked.record(session, name, plan_id, resources.now())
    return await describe(resources, name, before or plan_id)


@dataclass(frozen=True)
class _Sources:
    """What a plan is made of: the items that may be labelled, and what people judged before."""

    version: str
    since: datetime | None
    items: Sequence[NewItem]
    judged: Sequence[Judged]


async def _read(resources: Resources, project: Project) -> _Sources:
    name = project.project
    async with resources.database.reading() as session:
        state = await read_state(session, name)
        if state is None or state.champion is None:
            raise Conflict("The project has no version yet; start a run.")
        version = state.champion
        watch = await session.get(DriftWatch, (name, version))
        began = 0 if watch is None or watch.alarm is None else watch.alarm["began"]
        since = None if watch is None else await drift_began_at(session, watch)
        found = await repository.unlabelled(session, name, version, began, _READ)
        held_back, _ = await drawn_items(session, name)
        judged = await judged_items.judged(session, name, version, _JUDGED)
    # What would train nothing is not asked for.
    holdout = Holdout.of(project, state.pool_seed, resources.now())
    held_back |= holdout.takes(one.item_id for one in found)
    items = [one for one in found if one.item_id not in held_back]
    if not items:
        raise Conflict(f"No decision of {version} waits for a label that could train.")
    return _Sources(version, since, items, judged)


def _rows(plan: RelabelPlan, items: Sequence[NewItem], drawn: RelabelDraw) -> list[dict[str, Any]]:
    chosen = [("aligned", at) for at in drawn.aligned] + [("random", at) for at in drawn.random]
    return [
        {
            "plan_id": plan.plan_id,
            "item_id": items[at].item_id,
            "project": plan.project,
            "place": items[at].place,
            "position": position,
            "tranche": tranche,
            "propensity": float(drawn.propensity[at]),
            "posted": False,
            "refused": None,
        }
        for position, (tranche, at) in enumerate(chosen)
    ]


def _plan(
    project: Project, sources: _Sources, labels: int, seed: int
) -> tuple[PlanDocument, RelabelDraw]:
    items, judged = sources.items, sources.judged
    # Topics are clusters of all texts together, so that a name means the same in both.
    facts = facts_of(project, [*(one.row for one in judged), *(one.row for one in items)])
    evidence, _ = evidence_of(project, judged, facts[: len(judged)])
    slices = [
        PlannedSlice(
            words=one.words,
            predicates=[PredicateView(key=key, value=value) for key, value in one.predicates],
        )
        for one in find_slices(evidence).slices
    ]
    strata = [
        _stratum(slices, of_item, one)
        for of_item, one in zip(facts[len(judged) :], items, strict=True)
    ]
    names = [one.words for one in slices]
    drawn = draw(strata, names, labels, seed)
    return PlanDocument(
        version=sources.version,
        since=sources.since,
        new_items=len(items),
        tranches=_tranches(strata, names, drawn),
        slices=slices,
    ), drawn


def _stratum(slices: Sequence[PlannedSlice], facts: dict[str, str], item: NewItem) -> str:
    for one in slices:
        if all(facts.get(fact.key) == fact.value for fact in one.predicates):
            return one.words
    return f"suggested label is {suggestion_of(item.row)}"


def _tranches(strata: Sequence[str], slices: Sequence[str], drawn: RelabelDraw) -> list[Tranche]:
    sizes = Counter(strata)
    parts = [
        PlanPart(words=words, items=drawn.taken[words], of=size, is_slice=words in slices)
        for words, size in sizes.most_common()
    ]
    covers = ""
    if slices:
        covers = f", and at least {LEAST_OF_SLICE} of each failing slice where there are as many"
    return [
        Tranche(
            name="aligned",
            items=len(drawn.aligned),
            reason=f"for training: each kind of items as often as it comes now{covers}",
            parts=parts,
        ),
        Tranche(
            name="random",
            items=len(drawn.random),
            reason="for training and measuring: uniformly random among all others, so that what"
            " the slices miss is seen too",
        ),
    ]


async def start(resources: Resources, project: Project, plan_id: str) -> PlanView:
    """Let the plan's tasks be posted in lane `relabel`; a repetition changes nothing.

    What the review queue does not acknowledge now, the worker posts later. `NotFound`.
    """
    name = project.project
    async with resources.database.transaction() as session:
        plan = await _require(session, name, plan_id, lock=True)
        if plan.state == "planned":
            plan.state, plan.started_at = "started", resources.now()
    await resources.posting.post_or_leave(name)
    await resources.bells.ring(work_bell(name))
    return await describe(resources, name, plan_id)


async def describe(resources: Resources, project: str, plan_id: str) -> PlanView:
    """Return a plan, and how far it is; `NotFound` when there is none of this id."""
    async with resources.database.reading() as session:
        plan = await _require(session, project, plan_id)
        return _view(plan, await repository.progress(session, project, plan_id))


async def describe_all(resources: Resources, project: str) -> list[PlanView]:
    """Return the newest hundred plans, newest first."""
    async with resources.database.reading() as session:
        return [
            _view(plan, await repository.progress(session, project, plan.plan_id))
            for plan in await repository.newest(session, project, _LISTED)
        ]


def _view(plan: RelabelPlan, progress: repository.PlanProgress) -> PlanView:
    known = {
        "plan_id": plan.plan_id,
        "state": plan.state,
        "created_at": plan.created_at,
        "started_at": plan.started_at,
    }
    return from_stored(PlanView, {**plan.document, **known, **progress._asdict()})


async def _require(
    session: Session, project: str, plan_id: str, *, lock: bool = False
) -> RelabelPlan:
    plan = await repository.find(session, project, plan_id, lock=lock)
    if plan is None:
        raise NotFound("There is no such plan; GET …/relabel-plans lists them.", id=plan_id)
    return plan
