"""The learning curve: the accuracy of each version against its number of labels."""

from collections import Counter
from collections.abc import Mapping

import structlog

from services.trainer.labelling import repository
from services.trainer.labelling.arms import compare_arms, comparison_of, newest_comparison
from services.trainer.labelling.messages import ArmPoint, CurvePoint, LearningCurve
from services.trainer.labelling.stopping import advice, answerable, kappa
from services.trainer.promise.binomial import interval
from services.trainer.registry.scores import ModelUnusable, fits_project, score_items
from services.trainer.resources import Resources
from services.trainer.tables import LearningPoint, Version, insert_new
from shared.contracts.certificates import complement
from shared.contracts.items import check_data
from shared.contracts.projects import Project

log = structlog.get_logger()

_STOP_ITEMS = 1_000
_MOST_VERSIONS = 100
_LEAST_UNIFORM = 30


async def measure_if_due(resources: Resources, project: Project) -> None:
    """Measure the newest version once: beside the one before, and chosen labels beside random ones.

    Versions are compared on the last items of the reserve.
    """
    name = project.project
    async with resources.database.reading() as session:
        if await repository.is_measured(session, name):
            return
        versions = await repository.newest_versions(session, name, 2)
        if not versions:
            return
        items = await repository.stop_set(session, name, _STOP_ITEMS)
    newest, before = versions[-1], versions[0] if len(versions) == 2 else None
    rows = [item.data for item in items if not check_data(item.data, project.fields)]
    agreed = None
    if before is not None and rows and fits_project(before, project):
        try:
            labels = [
                (await score_items(resources, project, version, rows)).labels
                for version in (before, newest)
            ]
            agreed = kappa(*labels)
        except ModelUnusable as error:
            log.warning("version_not_comparable", project=name, cause=str(error))
    point = LearningPoint(
        project=name,
        version=newest.version,
        previous=None if before is None else before.version,
        kappa=agreed,
        items=len(rows),
        control=await compare_arms(resources, project, newest.version),
        measured_at=resources.now(),
    )
    async with resources.database.transaction() as session:
        await insert_new(session, LearningPoint, [point.model_dump()])


async def learning_curve(
    resources: Resources, project: Project, limit: int = _MOST_VERSIONS
) -> LearningCurve:
    """Return the newest versions that were trained here, and whether to go on."""
    name = project.project
    async with resources.database.reading() as session:
        versions = await repository.newest_versions(session, name, limit)
        measured = await repository.points(session, name)
        sizes = await repository.dataset_sizes(session, name)
        ids = {item_id for version in versions for item_id in version.tune["item_ids"]}
        arms = await repository.arms(session, name, ids)
    allowed = complement(project.promise.target_accuracy)
    points = [
        _point(version, sizes, measured.get(version.version), arms, allowed) for version in versions
    ]
    newest = versions[-1].version if versions else None
    control = await newest_comparison(resources, name, measured, newest)
    return LearningCurve(points=points, stop=advice(points), control=control)


def _point(
    version: Version,
    sizes: Mapping[str, int],
    measured: LearningPoint | None,
    arms: Mapping[str, str],
    allowed: float,
) -> CurvePoint:
    tune = version.tune
    uniform = [place for place, is_uniform in enumerate(tune["uniform"]) if is_uniform]
    is_uniform = len(uniform) >= _LEAST_UNIFORM
    places = uniform if is_uniform else list(range(len(tune["correct"])))
    correct = [tune["correct"][place] for place in places]
    wrong = len(correct) - sum(correct)
    low, high = interval(wrong, len(correct)) if correct else (0.0, 1.0)
    return CurvePoint(
        version=version.version,
        created_at=version.created_at,
        labels=sizes.get(version.dataset_id, len(tune["item_ids"])),
        measured=len(correct),
        is_uniform=is_uniform,
        accuracy=1 - wrong / len(correct) if correct else None,
        interval=[1 - high, 1 - low],
        coverage=answerable([tune["scores"][place] for place in places], correct, allowed),
        arms=_by_arm(version, arms),
        kappa=None if measured is None else measured.kappa,
        stop_items=0 if measured is None else measured.items,
        control=None if measured is None else comparison_of(measured),
    )


def _by_arm(version: Version, arms: Mapping[str, str]) -> dict[str, ArmPoint]:
    judged = zip(version.tune["item_ids"], version.tune["correct"], strict=True)
    of_arms = [(arms[item_id], right) for item_id, right in judged if item_id in arms]
    labels = Counter(arm for arm, _ in of_arms)
    right = Counter(arm for arm, is_right in of_arms if is_right)
    return {arm: ArmPoint(labels=labels[arm], right=right[arm]) for arm in sorted(labels)}
