"""Look for failing slices among the decisions that people have judged."""

import asyncio
from collections.abc import Sequence

import numpy as np

from services.trainer.monitoring.slices import repository
from services.trainer.monitoring.slices.finding import (
    FailingSlice,
    GroupRate,
    LabelledItems,
    Rate,
    compare_groups,
    find_slices,
)
from services.trainer.monitoring.slices.gathering import evidence_of, excerpt_of, suggestion_of
from services.trainer.monitoring.slices.messages import (
    GroupView,
    PredicateView,
    SliceExample,
    SlicesView,
    SliceView,
)
from services.trainer.monitoring.slices.repository import Judged
from services.trainer.projects.repository import read_state
from services.trainer.registry.service import require
from services.trainer.resources import Resources
from shared.contracts.projects import Project

_READ = 10_000
_EXAMPLES = 5
_LEAST = 200


async def describe(resources: Resources, project: Project, version: str | None) -> SlicesView:
    """Say on which kinds of items a version, without `version` the champion, fails most.

    `NotFound`: there is no such version.
    """
    name = project.project
    async with resources.database.reading() as session:
        state = await read_state(session, name)
        wanted = version or (None if state is None else state.champion)
        if wanted is None:
            return SlicesView(version=None, sentence="There is no version yet.")
        await require(session, name, wanted)
    async with resources.slicing:
        async with resources.database.reading() as session:
            judged = await repository.judged(session, name, wanted, _READ)
        return await asyncio.to_thread(_view, project, wanted, judged)


def _view(project: Project, version: str, judged: Sequence[Judged]) -> SlicesView:
    evidence, rows = evidence_of(project, judged)
    items = len(rows)
    if not items:
        return SlicesView(
            version=version, sentence=f"People have judged none of {version}'s decisions yet."
        )
    overall = Rate.of(evidence.wrong, evidence.weights)
    found = find_slices(evidence)
    slices = [_slice_view(one, evidence, rows) for one in found.slices]
    groups = compare_groups(evidence, project.metadata)
    return SlicesView(
        version=version,
        items=items,
        effective_items=overall.effective,
        error_rate=overall.rate,
        tested=found.tested,
        sentence=_sentence(version, items, slices),
        slices=slices,
        groups=[_group_view(one) for one in groups],
    )


def _sentence(version: str, items: int, slices: Sequence[SliceView]) -> str:
    if slices:
        worst = slices[0]
        return (
            f"{version} fails most where {worst.words}: {worst.error_rate:.1%} of the items, "
            f"against {worst.rest_error_rate:.1%} of the others."
        )
    if items < _LEAST:
        return f"{items} judged items are too few to find slices; {_LEAST} are the least."
    return f"No slice was found on which {version} fails more often, in {items} judged items."


def _slice_view(found: FailingSlice, evidence: LabelledItems, rows: Sequence[Judged]) -> SliceView:
    wrong = np.flatnonzero(found.members & evidence.wrong)[:_EXAMPLES]
    weights = evidence.weights
    return SliceView(
        predicates=[PredicateView(key=key, value=value) for key, value in found.predicates],
        words=found.words,
        items=int(found.members.sum()),
        share=float(weights[found.members].sum() / weights.sum()),
        error_rate=found.rate.rate,
        interval=found.rate.interval,
        rest_error_rate=found.rest.rate,
        p_value=found.p_value,
        examples=[_example(rows[place]) for place in wrong.tolist()],
    )


def _example(judged: Judged) -> SliceExample:
    return SliceExample(
        item_id=judged.item_id,
        excerpt=excerpt_of(judged.row),
        suggestion=suggestion_of(judged.row),
        label=judged.label,
    )


def _group_view(group: GroupRate) -> GroupView:
    key, value = group.predicate
    return GroupView(
        key=key,
        value=value,
        items=group.rate.items,
        error_rate=group.rate.rate,
        interval=group.rate.interval,
        rest_error_rate=group.rest.rate,
        p_value=group.p_value,
        is_worse=group.is_worse,
    )
