"""Freeze the labels of a project into a snapshot in the store."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.trainer.datasets import repository
from services.trainer.datasets.comparing import compare
from services.trainer.datasets.gold import gold_contents
from services.trainer.datasets.holdout import Holdout, is_of_traffic
from services.trainer.datasets.messages import DatasetDiff, DatasetView
from services.trainer.datasets.policy import policy_of, with_folds
from services.trainer.datasets.snapshot import (
    LabelledItem,
    canonical_lines,
    compress,
    read,
    read_stream,
    weighted,
)
from services.trainer.erasure import repository as erasure
from services.trainer.projects.repository import locking
from services.trainer.resources import Resources
from services.trainer.tables import UNIFORM_ARM, Dataset, OutcomeRow, insert_new
from shared.contracts.items import check_data
from shared.contracts.projects import Project
from shared.contracts.tasks import TRAINING_LANES
from shared.db import Session
from shared.problems import NotFound
from shared.store import sha256

# Gold stays out: it is the gate's evidence, for good.
_LANES = TRAINING_LANES | {"certification", "audit"}
_UNIFORM_LANES = frozenset({"pool", "certification", "audit"})


async def freeze(
    resources: Resources,
    project: Project,
    mode: str = "active",
    change: datetime | None = None,
) -> tuple[Dataset, int]:
    """Write and record a snapshot of the labels that may train; the same labels give the same one.

    Returns it with the position in the outcomes up to which labels were looked at.

    It holds the latest label of each item of the training lanes, and the evidence that is spent:
    audits, and the verdicts of closed certifications. The hold-out of traffic is left out, and so
    are rows that no longer fit the project's labels or fields. A run gets its snapshot by
    `freeze_labels`, which erasures know of.

    Parameters
    ----------
    mode : of the run; in `initial` all labels weigh the same
    change : since when the traffic is as it is now, where a change was found
    """
    sources = await _read(resources, project)
    items = await asyncio.to_thread(_made, sources, project, mode, change)
    lines = await asyncio.to_thread(canonical_lines, items)
    digest = sha256(lines)
    path = f"{project.project}/datasets/{digest}.jsonl.gz"
    await resources.store.write(path, await asyncio.to_thread(compress, lines))
    dataset = Dataset(
        project=project.project,
        dataset_id=digest,
        path=path,
        items=len(items),
        outcomes_cursor=sources.cursor,
        position=sources.position,
        labels=dict(sorted(Counter(item.label for item in items).items())),
        holdout_rate=sources.holdout.rate,
        holdout_since=sources.holdout.since,
        policy=policy_of(mode, change, items).model_dump(mode="json"),
        created_at=resources.now(),
    )
    return await _recorded_as(resources, dataset), sources.position


async def current_labels(resources: Resources, project: Project) -> list[LabelledItem]:
    """Return what `freeze` would write in mode `initial`, without recording anything."""
    sources = await _read(resources, project)
    return await asyncio.to_thread(_made, sources, project, "initial", None)


@dataclass(frozen=True)
class _Sources:
    """What a snapshot is made of, and how far the outcomes were read."""

    rows: Sequence[OutcomeRow]
    asked: dict[str, repository.Asked]
    holdout: Holdout
    cursor: str | None
    position: int


async def _read(resources: Resources, project: Project) -> _Sources:
    async with locking(resources.database, project.project) as (session, state):
        holdout = Holdout.of(project, state.pool_seed, resources.now())
        return _Sources(
            rows=await _may_train(session, project, holdout),
            asked=await repository.asked_items(session, project.project),
            holdout=holdout,
            cursor=state.outcomes_cursor,
            position=state.outcomes_seen,
        )


def _made(
    sources: _Sources, project: Project, mode: str, change: datetime | None
) -> list[LabelledItem]:
    items = [
        _labelled(row, sources.asked.get(row.item_id), change)
        for row in sources.rows
        if row.label in project.labels and not check_data(row.data, project.fields)
    ]
    return with_folds(weighted(items, equally=mode == "initial"), project)


async def _recorded_as(resources: Resources, dataset: Dataset) -> Dataset:
    async with resources.database.transaction() as session:
        # The same labels frozen again are the same snapshot.
        await insert_new(session, Dataset, [dataset.model_dump()])
        # What was erased while this was written is in it.
        await erasure.begin_again(session, dataset.project, dataset.position)
        return await session.get_one(Dataset, (dataset.project, dataset.dataset_id))


async def _may_train(session: Session, project: Project, holdout: Holdout) -> Sequence[OutcomeRow]:
    """Return the labels that are no evidence of what is to come."""
    name = project.project
    rows = await repository.labelled(session, name, _LANES)
    held_back, spent = await repository.drawn_items(session, name)
    # An item that was received since then was resolved since then.
    recent = [row for row in rows if is_of_traffic(row.lane) and row.resolved_at >= holdout.since]
    held_out = holdout.takes(row.item_id for row in recent) - spent
    copies = await repository.copies(session, name, holdout.since) if holdout.rate else []
    recurs_after = timedelta(seconds=project.promise.min_population_span_seconds)
    contents = holdout.contents(copies, spent, recurs_after)
    held_out |= {row.item_id for row in recent if row.content_hash in contents}
    left_out = held_back | held_out
    gold = gold_contents(project, holdout.seed, (row.content_hash for row in rows))
    return [row for row in rows if row.item_id not in left_out and row.content_hash not in gold]


def _labelled(
    row: OutcomeRow, asked: repository.Asked | None, change: datetime | None
) -> LabelledItem:
    propensity = (row.prediction or {}).get("propensity")
    if row.lane == "pool":
        propensity = None if asked is None else asked.propensity
    return LabelledItem(
        item_id=row.item_id,
        data=row.data,
        label=row.label or "",
        lane=row.lane,
        revision=row.revision,
        weight=1.0,
        uniform=row.lane in _UNIFORM_LANES and (asked is None or asked.arm in {None, UNIFORM_ARM}),
        content_hash=row.content_hash,
        propensity=propensity,
        source=row.source,
        verdicts=row.verdicts,
        instructions_revision=row.instructions_revision,
        is_new=None if change is None else row.resolved_at >= change,
    )


async def load(resources: Resources, dataset: Dataset) -> Sequence[LabelledItem]:
    """Read a snapshot's rows back from the store; `FileNotFoundError` when it is gone."""
    body = await resources.store.read(dataset.path)
    if body is None:
        raise FileNotFoundError(dataset.path)
    return await asyncio.to_thread(read, body)


async def contents_of(resources: Resources, project: str, dataset_id: str) -> set[str]:
    """Return the hashes of a snapshot's contents; none where there is no such file."""
    async with resources.database.reading() as session:
        dataset = await session.get(Dataset, (project, dataset_id))
    pieces = None if dataset is None else await resources.store.stream(dataset.path)
    if pieces is None:
        return set()
    return {item.content_hash async for item in read_stream(pieces)}


async def list_datasets(
    resources: Resources, project: str, offset: int, limit: int
) -> Sequence[DatasetView]:
    """Return snapshots, newest first."""
    async with resources.database.reading() as session:
        rows = await repository.page(session, project, offset, limit)
    return [DatasetView.model_validate(row, from_attributes=True) for row in rows]


async def describe(resources: Resources, project: str, dataset_id: str) -> DatasetView:
    """Return one snapshot's record; `NotFound` when there is none of this id."""
    dataset = await _recorded(resources, project, dataset_id)
    return DatasetView.model_validate(dataset, from_attributes=True)


async def content(resources: Resources, project: str, dataset_id: str) -> AsyncIterator[bytes]:
    """Return a snapshot's compressed lines in pieces.

    Raises `NotFound`: there is no such snapshot, or its file is gone.
    """
    dataset = await _recorded(resources, project, dataset_id)
    pieces = await resources.store.stream(dataset.path)
    if pieces is None:
        raise NotFound("The snapshot's file is no longer in the store.", path=dataset.path)
    return pieces


async def diff(resources: Resources, project: str, dataset_id: str, against: str) -> DatasetDiff:
    """Say what changed from snapshot `against` to another; `NotFound` as of `content`."""
    before = await content(resources, project, against)
    after = await content(resources, project, dataset_id)
    found = await compare((against, read_stream(before)), (dataset_id, read_stream(after)))
    policies = {
        "policy": (await describe(resources, project, dataset_id)).policy,
        "against_policy": (await describe(resources, project, against)).policy,
    }
    return found.model_copy(update=policies)


async def _recorded(resources: Resources, project: str, dataset_id: str) -> Dataset:
    dataset = None
    # Databases do not take every text.
    if dataset_id.isprintable():
        async with resources.database.reading() as session:
            dataset = await session.get(Dataset, (project, dataset_id))
    if dataset is None:
        raise NotFound("There is no such dataset; GET …/datasets lists them.", id=dataset_id)
    return dataset
