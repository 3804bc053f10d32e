"""Open a certification: fix population, plan and draw in SQL, before any task is asked for."""

import gzip
from dataclasses import replace
from datetime import datetime

import numpy as np
import structlog

from services.trainer.documents.status import is_certified
from services.trainer.erasure import repository as erasure
from services.trainer.pool import repository as pool
from services.trainer.projects.repository import active_run, locking, read_state
from services.trainer.promise.certify import eligible
from services.trainer.promise.label_noise import label_ceiling
from services.trainer.promise.periods import PlaceInPeriod, alarmed_at
from services.trainer.promise.pool_draw import draw_from_pool
from services.trainer.promise.population import DrawRequest, Insufficient, PopulationDraw
from services.trainer.promise.requests import draw_request, place_of, plan_to_go_on_with
from services.trainer.promise.traffic import draw_from_traffic
from services.trainer.registry import repository as registry
from services.trainer.registry.scores import ModelUnusable, fits_project, score_items
from services.trainer.resources import Resources
from services.trainer.tables import (
    Certification,
    CertificationItem,
    CertificationPopulation,
    PoolItem,
    ProjectState,
    Version,
    update_items,
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
        request = await draw_request(resources, project, version, certification)
        if isinstance(request, Insufficient):
            return await _note(resources, certification, request.detail)
        drawn = await _draw(request)
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


async def _draw(request: DrawRequest) -> PopulationDraw | Insufficient:
    """Draw from traffic once that suffices, before that from the pool.

    By it a test goes on or, if it cannot, another one begins.
    """
    if request.going_on is None:
        return await _first_draw(request)
    # A test goes on with the population that it began with: traffic comes, but a pool may end.
    kind, _ = request.going_on
    drawn = await (draw_from_traffic if kind == "traffic" else draw_from_pool)(request)
    if isinstance(drawn, PopulationDraw):
        return drawn
    if kind == "traffic":
        return Insufficient(f"waits for {_wanted(request)}: {drawn.detail}")
    return await _first_draw(replace(request, going_on=None))


async def _first_draw(request: DrawRequest) -> PopulationDraw | Insufficient:
    """Draw from recent traffic if it suffices, else from the pool; the record says why not."""
    from_traffic = await draw_from_traffic(request)
    if isinstance(from_traffic, PopulationDraw):
        return from_traffic
    if not request.uses_pool:
        if from_traffic.is_final:
            return from_traffic
        return Insufficient(f"waits for {_wanted(request)}: {from_traffic.detail}")
    from_pool = await draw_from_pool(request)
    if isinstance(from_pool, PopulationDraw):
        from_pool.record["why_not_traffic"] = from_traffic.detail
        return from_pool
    if from_pool.is_final:
        return from_pool
    return Insufficient(
        f"waits for {_wanted(request)}: {from_traffic.detail}, "
        f"{from_pool.detail}; send traffic or import unlabelled items into the pool",
        is_final=from_traffic.is_final,
    )


def _wanted(request: DrawRequest) -> str:
    return f"{request.labels} items in the candidate region"


async def _measure_champion(
    resources: Resources, project: Project, version: Version, drawn: PopulationDraw
) -> None:
    """Record which share of the population a certified champion's own certificate covers.

    For the gate also its answers to the drawn items.
    """
    async with resources.database.reading() as session:
        champion = await registry.champion(session, project.project)
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
    wanted = {item.item_id for item in drawn.items}
    answers = zip(drawn.population, scored.labels, scored.scores.tolist(), strict=True)
    for item, label, score in answers:
        if item.item_id in wanted:
            drawn.champions[item.item_id] = {
                "version": champion.version,
                "label": label,
                "score": score,
            }


async def _open(
    resources: Resources,
    project: Project,
    request: DrawRequest,
    certification: Certification,
    drawn: PopulationDraw,
) -> bool:
    async with locking(resources.database, project.project) as (session, state):
        record = await session.get_one(Certification, certification.certification_id)
        if record.state != "waiting" or await active_run(session, project.project) is not None:
            return False
        place = await place_of(resources, session, project, state, certification)
        if not await _is_of_period(session, project, record, drawn, place):
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
        if drawn.plan.draw == 1:
            state.period_began_at, state.tests_in_period = place.began_at, place.number
            record.test_id = None
        record.test_number, record.since = drawn.plan.attempt, request.not_before
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


async def _is_of_period(
    session: Session,
    project: Project,
    record: Certification,
    drawn: PopulationDraw,
    place: PlaceInPeriod,
) -> bool:
    """Say whether the draw is planned for the period as it stands."""
    if drawn.plan.draw > 1:
        return await plan_to_go_on_with(session, project, record, place, None) is not None
    return place.number == drawn.plan.attempt


async def _note_recovery(session: Session, record: Certification) -> None:
    """Let the state of a suspended version say that it is being certified again."""
    version = await registry.find(session, record.project, record.version)
    if version is not None and alarmed_at(version.suspension) is not None:
        version.suspension = {**(version.suspension or {}), "recertifying": True}


async def _take(session: Session, state: ProjectState, drawn: PopulationDraw) -> bool:
    """Take the drawn items out of the pool, with all that the walk passed over."""
    if not drawn.passed_up_to:
        return True
    ids = [item.item_id for item in drawn.items]
    if len(await pool.still_waiting(session, state.project, ids)) != len(ids):
        return False
    # Their certification asks for the tasks.
    await update_items(session, PoolItem, state.project, ids, state="asked", posted=True)
    states = await pool.uniform_states(session, state.project)
    await pool.pass_over(session, state.project, drawn.passed_up_to, states)
    return True


def _rows(certification: Certification, drawn: PopulationDraw) -> list[CertificationItem]:
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
            champion=drawn.champions.get(item.item_id),
            posted=item.item_id in drawn.copies,
            copy_of=drawn.copies.get(item.item_id),
        )
        for position, item in enumerate(drawn.items)
    ]


def _population(
    certification: Certification, drawn: PopulationDraw, now: datetime
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
