"""Watch the champion's decisions for drift: it sets the promise to `warn`, or suspends it.

Decisions are taken in the order of the ledger, each item's first one alone, and the state is stored
with the place that it is up to, in one transaction: the same ledger always gives the same state.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import structlog

from services.trainer.monitoring.drift import repository
from services.trainer.monitoring.drift.detector import ties_of
from services.trainer.monitoring.drift.repository import Decided, store, watched_of
from services.trainer.monitoring.drift.streams import streams_of, values_of, words_of
from services.trainer.monitoring.drift.watching import BLOCK, DecisionBatch, Watched, advance
from services.trainer.projects.repository import locking
from services.trainer.registry import repository as registry
from services.trainer.resources import Resources
from services.trainer.tables import DriftWatch, LedgerRow, Version
from shared.contracts.base import rfc3339
from shared.contracts.projects import Project
from shared.db import Session
from shared.problems import Conflict

log = structlog.get_logger()

_PAGE, _PAGES_A_TURN = 1_000, 20
# So many decisions from before a certificate are what came before it.
_BEFORE_CERTIFICATE = 2_000


async def watch_drift(resources: Resources, project: Project) -> bool:
    """Take in the champion's decisions that are new; warn or suspend where they say so.

    After an upgrade there may be millions of them: says whether some are left for the next turn.
    """
    async with resources.database.reading() as session:
        champion = await registry.champion(session, project.project)
        if champion is None or not await _has_news(session, champion):
            return False
    for _ in range(_PAGES_A_TURN):
        if not await _watch(resources, project, champion.version):
            return False
    return True


async def _has_news(session: Session, version: Version) -> bool:
    """Say whether there are decisions that were not taken in, or a certificate that is new."""
    watch = await session.get(DriftWatch, (version.project, version.version))
    if watch is None or watch.certified_at != version.certified_at:
        return True
    return bool(await repository.decisions_after(session, watch, 1))


async def _watch(resources: Resources, project: Project, name: str) -> bool:
    """Take in a page of the version's decisions; say whether there may be more."""
    async with locking(resources.database, project.project) as (session, _):
        version = await session.get_one(Version, (project.project, name))
        watch = await _watch_of(session, project, version, resources.now())
        page = await repository.decisions_after(session, watch, _PAGE)
        first = await repository.first_places(
            session, project.project, name, [one.item_id for one in page]
        )
        # Of an erased item nothing is left to be watched.
        taken = [
            one
            for one in page
            if first.get(one.item_id) == one.place and one.row.get("confidence") is not None
        ]
        batch = _batch(taken, watch.streams)
        watched = await asyncio.to_thread(advance, watched_of(watch), batch)
        was_alarmed = watch.alarm is not None
        store(watch, watched)
        watch.updated_at = resources.now()
        watch.position = page[-1].place if page else watch.position
        if watch.alarm is not None and not was_alarmed:
            watch.alarmed_at = resources.now()
            began = await session.get(LedgerRow, watch.alarm["began"])
            began_at = watch.alarmed_at if began is None else began.received_at
            # Kept here, since decisions are deleted after a time.
            watch.alarm = {**watch.alarm, "began_at": rfc3339(began_at)}
            log.warning("drift_found", project=project.project, version=name, **watch.alarm)
        if watch.alarm is not None:
            _judge(version, project, watch, watched, resources.now())
        return len(page) == _PAGE


async def _watch_of(
    session: Session, project: Project, version: Version, now: datetime
) -> DriftWatch:
    """Return the version's watch; a certificate begins it anew with what came just before it."""
    certified_at = version.certified_at
    watch = await session.get(DriftWatch, (version.project, version.version))
    if watch is not None and watch.certified_at == certified_at:
        return watch
    is_first = watch is None
    if watch is None:
        watch = DriftWatch(
            project=version.project,
            version=version.version,
            streams=streams_of(project),
            updated_at=now,
        )
        session.add(watch)
    # What came before a change that was found is no reference for what came since.
    floor = 0 if watch.alarm is None else watch.alarm["place"]
    watch.position = floor
    if certified_at is not None:
        watch.position = await repository.place_before(
            session, version.project, version.version, certified_at, _BEFORE_CERTIFICATE, floor
        )
    if is_first:
        # A release that watched nothing may have served for months: an upgrade suspends no promise
        # for what changed then.
        watch.position = await repository.place_before(
            session, version.project, version.version, now, _BEFORE_CERTIFICATE, watch.position
        )
    watch.certified_at = certified_at
    _begin_anew(watch, project)
    return watch


def _begin_anew(watch: DriftWatch, project: Project) -> None:
    watch.streams = streams_of(project)
    store(watch, Watched.start(len(watch.streams)))
    watch.block_size, watch.alarmed_at = BLOCK, None


def _batch(taken: Sequence[Decided], streams: Sequence[str]) -> DecisionBatch:
    return DecisionBatch(
        values=values_of([one.row for one in taken], streams),
        ties=ties_of([one.item_id for one in taken], len(streams)),
        places=np.array([one.place for one in taken], dtype=np.int64),
        received=tuple(one.received_at for one in taken),
    )


def _judge(
    version: Version, project: Project, watch: DriftWatch, watched: Watched, now: datetime
) -> None:
    """Warn of the version, or suspend it where the drift is severe and the project says so."""
    if version.certificate is None or version.suspension is not None:
        return
    told = {"cause": "drift", "at": rfc3339(now), "detail": _detail(watch, watched)}
    if watched.is_severe and project.promise.on_severe_drift == "suspend":
        version.suspension = told
        log.warning("promise_suspended", project=version.project, version=version.version, **told)
    elif version.warning is None:
        version.warning = told


def _detail(watch: DriftWatch, watched: Watched) -> str:
    assert watched.detector.alarm is not None
    alarm = watched.detector.alarm
    number, total, _ = watched.moments[:, alarm.stream]
    new = watched.since(alarm.began)[:, alarm.stream]
    new = new[np.isfinite(new)]
    figures = ""
    if number and len(new):
        figures = f", from {total / number:.3g} to {new.mean():.3g} on average"
    how = "severe drift" if watched.is_severe else "drift"
    return f"{how}: the {words_of(watch.streams[alarm.stream])} of items has changed{figures}"


async def accept(resources: Resources, project: Project) -> None:
    """Take the items from now on as the reference, since an operator knows of the change.

    The warning of it is lifted. `Conflict` where no drift was found, or where it has suspended the
    promise: then the version needs a certificate of the new traffic.
    """
    async with locking(resources.database, project.project) as (session, state):
        version = await registry.find(session, project.project, state.champion)
        watch = None
        if version is not None:
            watch = await session.get(DriftWatch, (project.project, version.version))
        if version is None or watch is None or watch.alarm is None:
            raise Conflict("No drift of the champion's decisions was found.")
        if version.suspension is not None and version.suspension["cause"] == "drift":
            raise Conflict(
                "Drift has suspended the promise: certify a version on the new traffic "
                "(POST …/certify), or train one.",
                version=version.version,
            )
        if version.warning is not None and version.warning["cause"] == "drift":
            version.warning = None
        _begin_anew(watch, project)
        watch.updated_at = resources.now()
    await resources.documents.publish(project.project, resources.common.poll_seconds)
