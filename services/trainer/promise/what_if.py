"""Suppose another target on the labels of the newest closed certification."""

from dataclasses import asdict

from services.trainer.promise import repository
from services.trainer.promise.certify import CertificationPlan
from services.trainer.promise.closing import correct_answers
from services.trainer.promise.hypothesis import suppose
from services.trainer.promise.messages import HypothesisView
from services.trainer.promise.tuning import tune_of
from services.trainer.registry import repository as registry
from services.trainer.resources import Resources
from shared.contracts.projects import Project
from shared.problems import Conflict, Unprocessable


async def suppose_target(
    resources: Resources, project: Project, target_accuracy: float
) -> HypothesisView:
    """Say what `target_accuracy` would have got.

    Raises
    ------
    Conflict
        There is no certification whose labels have all come.
    Unprocessable
        The target is more lenient than the one that the labels were drawn for.
    """
    async with resources.database.reading() as session:
        newest = await repository.newest(session, project.project)
        if newest is None or newest.plan is None or newest.result is None:
            raise Conflict("There is no certification yet whose labels have all come.")
        version = await registry.find(session, project.project, newest.version)
        assert version is not None
        items = await repository.items(session, newest.certification_id)
        correct = await correct_answers(session, items)
    plan = CertificationPlan.from_dict(newest.plan)
    scores = [item.score for item in items]
    try:
        found = suppose(plan, tune_of(version, scores), scores, correct, target_accuracy)
    except ValueError as error:
        raise Unprocessable([("/query/target_accuracy", str(error))]) from error
    return HypothesisView(**asdict(found))
