"""What a certification is to draw: which labels, from when on, and for which test."""

from datetime import datetime

from services.trainer.datasets.holdout import Holdout
from services.trainer.datasets.service import load
from services.trainer.projects.repository import in_service, read_state
from services.trainer.promise import repository
from services.trainer.promise.hindrances import why_not_now
from services.trainer.promise.periods import (
    PlaceInPeriod,
    alarm_in_force,
    alarmed_at,
    next_place,
)
from services.trainer.promise.planning import CertificationPlan, next_draw
from services.trainer.promise.population import DrawRequest, Insufficient
from services.trainer.recipes import OWN
from services.trainer.registry import repository as registry
from services.trainer.resources import Resources
from services.trainer.tables import Certification, Dataset, ProjectState, Version
from shared.contracts.projects import Project, certificate_digest
from shared.db import Session


async def draw_request(
    resources: Resources, project: Project, version: Version, certification: Certification
) -> DrawRequest | Insufficient:
    """Return the request of a certification that waits, or why there is none now."""
    async with resources.database.reading() as session:
        dataset = await session.get(Dataset, (project.project, version.dataset_id))
        state = await read_state(session, project.project)
        place = await place_of(resources, session, project, state, certification)
        alarm = alarm_in_force(await in_service(session, project.project), version)
        hindrance = await why_not_now(session, project, version, place)
        going_on = await plan_to_go_on_with(session, project, certification, place, alarm)
        # What earlier tests took of the traffic was no uniform part of it, but of their regions.
        drawn_at = await repository.drawn_for_others_at(
            session, certification, goes_on=going_on is not None
        )
    if hindrance is not None:
        return Insufficient(hindrance)
    human_error = await resources.queue.human_error(project.project)
    if dataset is None:
        raise FileNotFoundError(version.dataset_id)
    asked_since = None if state is None else state.asked_since
    moments = (certification.since, alarm, drawn_at, asked_since)
    return DrawRequest(
        resources,
        project,
        version,
        dataset,
        trained_on=await load(resources, dataset),
        test_number=place.number,
        draws=max(1, project.promise.certification_draws - certification.attempt + 1),
        going_on=going_on,
        human_error=human_error,
        not_before=max((moment for moment in moments if moment is not None), default=None),
        holdout=_holdout(version, dataset, state),
        # What an audit found wrong may be the traffic: an older pool is no evidence about it.
        uses_pool=alarm is None,
    )


async def plan_to_go_on_with(
    session: Session,
    project: Project,
    certification: Certification,
    place: PlaceInPeriod,
    alarm: datetime | None,
) -> tuple[str, CertificationPlan] | None:
    """Return the population's kind and the plan of the draw by which a test goes on.

    None: the certification begins a test of its own, or must, since the labels of its draws before
    no longer count: they are of another period, from before an alarm, or about what the project was
    before an edit.
    """
    if certification.test_id is None:
        return None
    first, *others = await repository.draws_of(session, certification)
    last = others[-1] if others else first
    assert first.opened_at is not None
    assert last.plan is not None
    is_over = place.began_at > first.opened_at or (alarm is not None and alarm > first.opened_at)
    if is_over or first.project_digest != certificate_digest(project):
        return None
    plan = next_draw(CertificationPlan.from_dict(last.plan))
    return None if plan is None else ((last.population or {})["kind"], plan)


def _holdout(version: Version, dataset: Dataset, state: ProjectState | None) -> Holdout | None:
    """Return the hold-out of the version's labels; None where it may have been trained on it."""
    is_own = version.manifest["recipe"] == OWN
    if state is None or is_own or dataset.holdout_since is None or not dataset.holdout_rate:
        return None
    return Holdout(state.pool_seed, dataset.holdout_rate, dataset.holdout_since)


async def place_of(
    resources: Resources,
    session: Session,
    project: Project,
    state: ProjectState | None,
    certification: Certification,
) -> PlaceInPeriod:
    """Return the test's place in its period, were it opened now."""
    suspended = await registry.audit_suspensions(session, project.project)
    alarms = [alarmed_at(suspension) for suspension in suspended]
    return next_place(
        state,
        now=resources.now(),
        expires_days=project.promise.expires_days,
        suspensions=[alarm for alarm in alarms if alarm is not None],
        renews=certification.purpose == "renewal",
    )
