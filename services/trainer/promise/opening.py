"""Open a certification: fix population, plan and draw in SQL, before any task is asked for."""

import gzip
from datetime import datetime

import numpy as np
import structlog

from services.trainer.datasets.holdout import Holdout
from services.trainer.datasets.service import load
from services.trainer.documents.status import is_certified
from services.trainer.erasure import repository as erasure
from services.trainer.pool import repository as pool
from services.trainer.projects.repository import active_run, in_service, lock_state, read_state
from services.trainer.promise import budget, repository
from services.trainer.promise.certify import eligible
from services.trainer.promise.drawing import draw
from services.trainer.promise.label_noise import label_ceiling
from services.trainer.promise.periods import (
    PlaceInPeriod,
    alarm_in_force,
    alarmed_at,
    next_place,
)
from services.trainer.promise.population import Draw, DrawRequest, Insufficient
from services.trainer.recipes import OWN
from services.trainer.registry import repository as registry
from services.trainer.registry.scores import ModelUnusable, fits_project, score_items
from services.trainer.resources import Resources
from services.trainer.tables import (
    Certification,
    CertificationItem,
    CertificationPopulation,
    Dataset,
    ProjectState,
    Version,
)
from shared.contracts.human_error import HumanError
from shared.contracts.projects import Project, certificate_digest
from shared.db import Session

log = structlog.get_logger()

OF_THE_CHAMPION = ("renewal", "recovery")


async def try_open(resources: Resources, project: Project, certification: Certification) -> bool:
    """Draw and open a waiting certification; False, with the reason recorded, if it cannot be."""
    async with resources.database.reading() as session:
        version = await registry.find(session, project.project, certification.version)
        state = await read_state(session, project.project)
    champion = None if state is None else state.champion
    refusal = _why_never(version, champion, project, certification)
    if refusal is not None:
        return await _note(resources, certification, refusal, "cancelled")
    assert version is not None
    try:
        request = await _request(resources, project, version, certification)
        if isinstance(request, Insufficient):
            return await _note(resources, certification, request.detail)
        drawn = await draw(request)
        if isinstance(drawn, Insufficient) and not drawn.is_final:
            return await _note(resources, certification, drawn.detail)
        if isinstance(drawn, Insufficient):
            ceiling = label_ceiling(request.human_error, project.review.overlap)
            detail = f"not certified: {drawn.detail}; {ceiling.note}"
            return await _note(resources, certification, detail, "failed", request.human_error)
        await _measure_champion(resources, project, version, drawn)
    except ModelUnusable as error:
        return await _note(resources, certification, f"not certified: {error}", "failed")
    except FileNotFoundError as error:
        detail = f"the store lacks what the version was made of: {error}"
        return await _note(resources, certification, detail, "failed")
    return await _open(resources, project, request, certification, drawn)


def _why_never(
    version: Version | None, champion: str | None, project: Project, certification: Certification
) -> str | None:
    """Say why the certification has become pointless; None if it has not."""
    if version is None or version.retired:
        return "the version is retired"
    if certification.purpose in OF_THE_CHAMPION and champion != version.version:
        return f"{champion} serves in its place"
    if not fits_project(version, project):
        return "the project's labels or fields changed; train a new version"
    return None


async def _request(
    resources: Resources, project: Project, version: Version, certification: Certification
) -> DrawRequest | Insufficient:
    async with resources.database.reading() as session:
        dataset = await session.get(Dataset, (project.project, version.dataset_id))
        state = await read_state(session, project.project)
        place = await _place(resources, session, project, state, certification)
        alarm = alarm_in_force(await in_service(session, project.project), version)
        shortage = await budget.shortage(session, project, place)
        # What earlier draws took of the traffic was no uniform part of it, but of their regions.
        drawn_at = await repository.drawn_for_others_at(session, project.project, version.version)
    if shortage is not None:
        return Insufficient(shortage)
    human_error = await resources.queue.human_error(project.project)
    if dataset is None:
        raise FileNotFoundError(version.dataset_id)
    return DrawRequest(
        resources,
        project,
        version,
        dataset,
        trained_on=await load(resources, dataset),
        test_number=place.number,
        human_error=human_error,
        not_before=_latest(
            certification.since, alarm, drawn_at, None if state is None else state.asked_since
        ),
        holdout=_holdout(version, dataset, state),
        # What an audit found wrong may be the traffic: an older pool is no evidence about it.
        uses_pool=alarm is None,
    )


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _holdout(version: Version, dataset: Dataset, state: ProjectState | None) -> Holdout | None:
    """Return the hold-out of the version's labels; None where it may have been trained on it."""
    is_own = version.manifest["recipe"] == OWN
    if state is None or is_own or dataset.holdout_since is None or not dataset.holdout_rate:
        return None
    return Holdout(state.pool_seed, dataset.holdout_rate, dataset.holdout_since)


async def _place(
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


async def _measure_champion(
    resources: Resources, project: Project, version: Version, drawn: Draw
) -> None:
    """Record which share of the population the champion's own certificate covers."""
    async with resources.database.reading() as session:
        state = await read_state(session, project.project)
        champion = await registry.find(
            session, project.project, None if state is None else state.champion
        )
    if champion is None or champion.version == version.version:
        return
    if champion.certificate is None or not is_certified(champion, project, resources.now()):
        return
    rows = [candidate.data for candidate in drawn.population]
    try:
        scored = await score_items(resources, project, champion, rows)
    except ModelUnusable as error:
        # The new version may be certified all the same, but does not take the champion's place.
        log.warning(
            "champion_not_comparable",
            project=project.project,
            version=champion.version,
            cause=str(error),
        )
        return
    accepted = eligible(scored.scores, champion.certificate["threshold"])
    drawn.record["champion"] = champion.version
    drawn.record["champion_coverage"] = float(np.mean(accepted))


async def _open(
    resources: Resources,
    project: Project,
    request: DrawRequest,
    certification: Certification,
    drawn: Draw,
) -> bool:
    async with resources.database.transaction() as session:
        state = await lock_state(session, project.project)
        record = await session.get_one(Certification, certification.certification_id)
        if record.state != "waiting" or await active_run(session, project.project) is not None:
            return False
        place = await _place(resources, session, project, state, certification)
        if place.number != drawn.plan.attempt:
            return False  # planned in a period that has ended; the next look plans anew
        if not await _take(session, state, drawn):
            return False  # a batch took some of them meanwhile; the next look draws anew
        drawn_ids = [item.item_id for item in drawn.items]
        if await erasure.erased_among(session, project.project, drawn_ids):
            return False  # one of them was erased meanwhile; the next look draws anew
        session.add_all(_rows(certification, drawn))
        session.add(_population(certification, drawn, resources.now()))
        record.state, record.detail = "open", None
        record.human_error = request.human_error.model_dump()
        record.plan, record.population = drawn.plan.to_dict(), drawn.record
        record.project_digest = certificate_digest(project)
        state.period_began_at, state.tests_in_period = place.began_at, place.number
        record.test_number, record.since = place.number, request.not_before
        await _note_recovery(session, record)
        record.opened_at = resources.now()
    log.info(
        "certification_opened",
        project=project.project,
        version=certification.version,
        attempt=certification.attempt,
        population=drawn.record["kind"],
    )
    return True


async def _note_recovery(session: Session, record: Certification) -> None:
    """Let the state of a suspended version say that it is being certified again."""
    version = await registry.find(session, record.project, record.version)
    if version is not None and alarmed_at(version.suspension) is not None:
        version.suspension = {**(version.suspension or {}), "recertifying": True}


async def _take(session: Session, state: ProjectState, drawn: Draw) -> bool:
    """Take the drawn items out of the pool, with all that the walk passed over."""
    if not drawn.passed_up_to:
        return True
    ids = [item.item_id for item in drawn.items]
    if await pool.count_waiting(session, state.project, ids) != len(ids):
        return False
    await pool.mark_asked(session, state.project, ids, posted=True)
    await pool.pass_over(session, state.project, drawn.passed_up_to)
    return True


def _rows(certification: Certification, drawn: Draw) -> list[CertificationItem]:
    return [
        CertificationItem(
            certification_id=certification.certification_id,
            item_id=item.item_id,
            project=certification.project,
            position=position,
            data=item.data,
            item_metadata=item.metadata,
            score=item.score,
            label=item.label,
            posted=item.item_id in drawn.copies,
            copy_of=drawn.copies.get(item.item_id),
        )
        for position, item in enumerate(drawn.items)
    ]


def _population(
    certification: Certification, drawn: Draw, now: datetime
) -> CertificationPopulation:
    lines = b"\n".join(row.model_dump_json().encode() for row in drawn.rows)
    return CertificationPopulation(
        certification_id=certification.certification_id,
        project=certification.project,
        opened_at=now,
        rows=gzip.compress(lines, 6, mtime=0),
    )


async def _note(
    resources: Resources,
    certification: Certification,
    detail: str,
    state: str | None = None,
    human_error: HumanError | None = None,
) -> bool:
    """Record why it cannot be opened, and close it where that is for good; return False."""
    async with resources.database.transaction() as session:
        record = await session.get_one(Certification, certification.certification_id)
        if record.state != "waiting":
            return False  # a newer version took its place meanwhile
        record.detail = detail
        if human_error is not None:
            record.human_error = human_error.model_dump()
        if state is not None:
            record.state, record.closed_at = state, resources.now()
    if state is not None:
        log.info("certification_closed", project=certification.project, state=state)
    return False
