"""The watch of audited answers: it warns of a promise, suspends it, and lifts what has passed.

Answers are taken in the order of the ledger, never in the order in which people review them: the
watch stops before an audited answer that no one has reviewed yet. So what it comes to depends on
the ledger and the verdicts alone, and the same rows always give the same state.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import structlog

from services.trainer.outcomes import repository as outcomes
from services.trainer.outcomes.evidence import evidence_of, is_doubted
from services.trainer.outcomes.opinions import repository as opinions
from services.trainer.outcomes.opinions.service import ask_about_audits
from services.trainer.projects.repository import in_service, locking
from services.trainer.promise.detector import AuditDetector, alarm_of, confidence_sequence, log_mean
from services.trainer.promise.detector import watch as watch_answers
from services.trainer.promise.periods import alarmed_at
from services.trainer.resources import Resources
from services.trainer.tables import AuditWatch, OutcomeRow, SecondOpinion, Version
from services.trainer.tables.evidence import WAITING
from services.trainer.watch import bands, repository
from services.trainer.watch.repository import LoggedAnswer
from shared.contracts.base import from_stored, rfc3339
from shared.contracts.certificates import complement
from shared.contracts.projects import Project
from shared.contracts.versions import Certificate
from shared.db import Session

log = structlog.get_logger()

_PAGE = 2_000
_LEAST_OVERDUE = timedelta(days=1)
_OVERDUE_FACTOR = 4
# Of so many audits that were to be drawn, fewer than half are drawn by chance once in 10^6.
_ENOUGH_EXPECTED = 100
# Of the mean Shiryaev-Roberts statistic, which alarms at 20,000: at the promised error it warns
# once in 1,000 audits or less often.
_WARNS_AT, _CALMS_AT = math.log(1_000), math.log(100)


async def watch_audits(resources: Resources, project: Project) -> None:
    """Take in what people have said of the audited answers; suspend or warn where it says so."""
    async with resources.database.reading() as session:
        versions = [one for one in await in_service(session, project.project) if one.certificate]
        watches = [await session.get(AuditWatch, (one.project, one.version)) for one in versions]
        pairs = list(zip(versions, watches, strict=True))
        news = [(one, watch) for one, watch in pairs if await _has_news(session, one, watch)]
    for version, watch in news:
        if version.certified_at is not None and alarmed_at(version.suspension) is None:
            place, since = 0 if watch is None else watch.position, version.certified_at
            await ask_about_audits(resources, project, version.version, since, place)
        while await _watch(resources, project, version.version):
            pass


async def _has_news(session: Session, version: Version, watch: AuditWatch | None) -> bool:
    """Say whether there are answers that were not taken in, or a certificate that is not watched.

    Asked first: a look without news takes no lock.
    """
    if watch is None or watch.certified_at != version.certified_at:
        return True
    place = watch.position
    return bool(await repository.answers_after(session, version.project, version.version, place, 1))


async def _watch(resources: Resources, project: Project, name: str) -> bool:
    """Take in a page of the version's answers; say whether there may be more."""
    async with locking(resources.database, project.project) as (session, _):
        version = await session.get_one(Version, (project.project, name))
        if version.certificate is None or alarmed_at(version.suspension) is not None:
            return False
        certificate = from_stored(Certificate, version.certificate)
        watch = await _watch_of(session, version, certificate.certified_at)
        page = await repository.answers_after(session, project.project, name, watch.position, _PAGE)
        taken, seen, waiting_since = await _take(session, watch, page)
        _count(certificate, watch, seen)
        watch.updated_at = resources.now()
        _judge(version, certificate, project, watch, waiting_since, resources.now())
        return taken == _PAGE


async def _watch_of(session: Session, version: Version, certified_at: datetime) -> AuditWatch:
    """Return the version's watch; a new certificate begins it anew where the old one stood."""
    watch = await session.get(AuditWatch, (version.project, version.version))
    if watch is None:
        watch = AuditWatch(
            project=version.project,
            version=version.version,
            certified_at=certified_at,
            updated_at=certified_at,
        )
        session.add(watch)
    elif watch.certified_at == certified_at:
        return watch
    watch.certified_at = certified_at
    watch.answered = watch.audited = watch.reviewed = watch.errors = 0
    watch.expected, watch.log_sr, watch.log_e, watch.bands = 0.0, [], [], []
    return watch


@dataclass
class _Seen:
    """Scores of answers, and of those that people judged, with whether they were wrong."""

    answered: list[float | None] = field(default_factory=list)
    reviewed: list[tuple[float | None, bool]] = field(default_factory=list)


async def _take(
    session: Session, watch: AuditWatch, page: Sequence[LoggedAnswer]
) -> tuple[int, _Seen, datetime | None]:
    """Take in answers up to the first that waits for people.

    Returns
    -------
    How many were taken in, what was seen, and since when the next one waits; None if none does.
    """
    name = watch.project
    asked = [one.item_id for one in page if one.audited]
    known = {row.item_id: row for row in await outcomes.of_items(session, name, asked)}
    doubts = await opinions.of_items(session, name, known)
    first = await repository.audited_before(session, name, watch.version, asked)
    seen = _Seen()
    taken, waiting_since = 0, None
    for answer in page:
        # What was answered under an earlier certificate says nothing of this one.
        counts = answer.received_at >= watch.certified_at
        is_first = first.get((answer.item_id, answer.content_hash)) == answer.position
        if counts and answer.audited and is_first:
            waiting_since = _waits_since(answer, known, doubts)
            if waiting_since is not None:
                break
            seen.reviewed.append((answer.confidence, not _is_confirmed(known, answer)))
        if counts:
            seen.answered.append(answer.confidence)
            watch.answered += 1
            watch.expected += answer.propensity
            watch.audited += answer.audited
        watch.position = answer.position
        taken += 1
    return taken, seen, waiting_since


def _count(certificate: Certificate, watch: AuditWatch, seen: _Seen) -> None:
    """Take what was seen into the detector, up to its alarm, and into the figures."""
    wrong = [is_wrong for _, is_wrong in seen.reviewed]
    found = watch_answers(_detector(watch), wrong, *_levels(certificate))
    watch.reviewed += found.taken
    watch.errors += sum(wrong[: found.taken])
    watch.log_sr, watch.log_e = list(found.detector.log_sr), list(found.detector.log_e)
    watch.bands = bands.add(
        watch.bands,
        [score for score in seen.answered if score is not None],
        [(score, bad) for score, bad in seen.reviewed[: found.taken] if score is not None],
        certificate.threshold,
    )


def _waits_since(
    answer: LoggedAnswer, known: Mapping[str, OutcomeRow], doubts: Mapping[str, SecondOpinion]
) -> datetime | None:
    """Return since when the answer waits for its review, or for a second one; None: for none."""
    row, opinion = known.get(answer.item_id), doubts.get(answer.item_id)
    if row is None:
        return answer.received_at
    if row.content_hash != answer.content_hash or not is_doubted(row, answer.label):
        return None
    if opinion is None:
        return row.resolved_at
    return opinion.wanted_at if opinion.state in WAITING else None


def _is_confirmed(known: Mapping[str, OutcomeRow], answer: LoggedAnswer) -> bool:
    row = known[answer.item_id]
    same_data = row.content_hash == answer.content_hash
    return same_data and evidence_of(row).confirms(answer.label)


def _levels(certificate: Certificate) -> tuple[float, float]:
    """Return the error and the chance of being wrong that are promised: alpha and delta."""
    return complement(certificate.target_accuracy), complement(certificate.confidence)


def _detector(watch: AuditWatch) -> AuditDetector:
    if not watch.log_sr:
        return AuditDetector.start()
    return AuditDetector(tuple(watch.log_sr), tuple(watch.log_e))


def _judge(
    version: Version,
    certificate: Certificate,
    project: Project,
    watch: AuditWatch,
    waiting_since: datetime | None,
    now: datetime,
) -> None:
    """Suspend or warn of the version, or lift what has passed."""
    (alpha, delta), detector = _levels(certificate), _detector(watch)
    alarm = alarm_of(detector, delta)
    if alarm is not None:
        _suspend(version, f"audit_{alarm}", now, _told(watch, alpha, delta))
        return
    limit = max(_LEAST_OVERDUE, timedelta(seconds=_OVERDUE_FACTOR * project.review.due_seconds))
    if waiting_since is not None and now - waiting_since > limit:
        waits = f"an audited answer of {rfc3339(waiting_since)} still waits for its review"
        _suspend(version, "audit_overdue", now, waits)
    elif watch.expected >= _ENOUGH_EXPECTED and watch.audited < watch.expected / 2:
        few = f"{watch.audited} answers were audited where about {watch.expected:.0f} were due"
        _suspend(version, "audit_starved", now, few)
    else:
        if version.suspension is not None:
            version.suspension = None
            log.info("suspension_passed", project=version.project, version=version.version)
        _warn(version, float(log_mean(np.asarray(detector.log_sr))), now, watch)


def _told(watch: AuditWatch, alpha: float, delta: float) -> str:
    lower, upper = confidence_sequence(watch.errors, watch.reviewed, delta)
    return (
        f"{watch.errors} of {watch.reviewed} audited answers were wrong since the certificate, an "
        f"error of {lower:.1%} to {upper:.1%} with {1 - delta:.0%} confidence; the promise allows "
        f"{alpha:.1%}"
    )


def _suspend(version: Version, cause: str, now: datetime, detail: str) -> None:
    if version.suspension is not None and version.suspension["cause"] == cause:
        return
    version.suspension = {"cause": cause, "at": rfc3339(now), "detail": detail}
    log.warning(
        "promise_suspended",
        project=version.project,
        version=version.version,
        cause=cause,
        detail=detail,
    )


def _warn(version: Version, log_statistic: float, now: datetime, watch: AuditWatch) -> None:
    """Warn while errors accumulate: more audits then find sooner whether the promise is broken."""
    warning: dict[str, Any] | None = version.warning
    if warning is None and log_statistic >= _WARNS_AT:
        detail = f"{watch.errors} of {watch.reviewed} audited answers were wrong"
        version.warning = {"cause": "audit_rising", "at": rfc3339(now), "detail": detail}
    elif warning is not None and warning["cause"] == "audit_rising" and log_statistic < _CALMS_AT:
        version.warning = None
