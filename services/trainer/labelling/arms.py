"""The random control arm: whether chosen labels teach more than random ones, version by version."""

import asyncio
from typing import Any

from services.trainer.labelling import repository
from services.trainer.labelling.control import LEAST_CHOSEN, LEAST_RANDOM, Compared, compare
from services.trainer.labelling.messages import ArmComparison
from services.trainer.resources import Resources
from services.trainer.selection.service import CHOOSING
from services.trainer.tables import UNIFORM_ARM, LearningPoint
from shared.contracts.items import check_data
from shared.contracts.projects import Project

_MOST = 1_000


async def compare_arms(resources: Resources, project: Project, version: str) -> dict[str, Any]:
    """Compare the arms on the labels of the moment; return an `ArmComparison` as JSON.

    At most 1,000 labels of each arm are read: the first that were chosen, and random ones.
    """
    name = project.project
    async with resources.slicing:
        async with resources.database.reading() as session:
            arms = [
                await repository.labelled_of(session, name, arm, _MOST)
                for arm in (CHOOSING, (UNIFORM_ARM,))
            ]
        chosen, random = (
            [(data, label) for data, label in arm if not check_data(data, project.fields)]
            for arm in arms
        )
        few = _too_few(len(chosen), len(random))
        if few is not None:
            return few.model_dump(mode="json")
        found = await asyncio.to_thread(compare, chosen, random, project.fields)
    return _comparison(found, version).model_dump(mode="json")


def comparison_of(point: LearningPoint) -> ArmComparison | None:
    """Return what was found with a version; None for one that an older release measured."""
    return None if point.control is None else ArmComparison.model_validate(point.control)


async def newest_comparison(
    resources: Resources, project: str, measured: dict[str, LearningPoint], newest: str | None
) -> ArmComparison:
    """Return what was found with the newest version; before there is one, how many labels lack."""
    point = None if newest is None else measured.get(newest)
    found = None if point is None else comparison_of(point)
    if found is not None:
        return found
    async with resources.database.reading() as session:
        counts = await repository.labels_by_arm(session, project)
    chosen, random = sum(counts.get(arm, 0) for arm in CHOOSING), counts.get(UNIFORM_ARM, 0)
    words = "compared with the next version that is trained"
    return _too_few(chosen, random) or ArmComparison(verdict="too_few", words=words)


def _too_few(chosen: int, random: int) -> ArmComparison | None:
    wanted = [
        f"{given} of {least} labels {kind}"
        for given, least, kind in (
            (chosen, LEAST_CHOSEN, "chosen by a strategy"),
            (random, LEAST_RANDOM, "drawn at random"),
        )
        if given < least
    ]
    if not wanted:
        return None
    return ArmComparison(verdict="too_few", words=f"not enough labels yet: {', '.join(wanted)}")


def _comparison(found: Compared | None, version: str) -> ArmComparison:
    if found is None:
        words = "items without texts, numbers, categories or vectors are not compared"
        return ArmComparison(verdict="too_few", words=words, version=version)
    chosen = found.chosen_right / found.measured
    random = found.random_right / found.measured
    low, high = found.interval
    told = f"{chosen:.1%} against {random:.1%} with {found.labels} labels each"
    if low > 0:
        verdict, words = "pays", f"chosen labels teach more than random ones: {told}"
    elif high < 0:
        advice = "batches of strategy random are better"
        verdict, words = "does_not_pay", f"random labels teach more: {told}; {advice}"
    else:
        verdict, words = "open", f"no difference is shown: {told}"
    return ArmComparison.model_validate(
        {
            "verdict": verdict,
            "words": words,
            "version": version,
            "labels": found.labels,
            "measured": found.measured,
            "chosen_accuracy": chosen,
            "random_accuracy": random,
            "difference": chosen - random,
            "interval": [low, high],
        }
    )
