"""Certifications that the trainer asks for itself, or an operator does, beside a version's first.

A *renewal* begins in the last quarter of the champion's certificate; the old certificate counts
until the new one replaces it, or until it expires. A *recovery* begins once the champion's
certificate has ended: an audit found it wrong, it expired, or the project was edited. Either waits
for a population as a first certification does, and is tried once for each cause, and once more
whenever `expires_days` have passed since.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog

from services.trainer.projects.repository import locking, read_state
from services.trainer.projects.service import work_bell
from services.trainer.promise import repository
from services.trainer.promise.periods import LAST_QUARTER, alarmed_at
from services.trainer.registry import repository as registry
from services.trainer.registry.scores import fits_project
from services.trainer.registry.service import require
from services.trainer.resources import Resources
from services.trainer.tables import Certification, ProjectState, Version
from shared.contracts.projects import Project, certificate_digest
from shared.db import Session
from shared.problems import Conflict

log = structlog.get_logger()


class CertificationPending(Conflict):
    """The version's certification waits for items or verdicts already."""

    kind, title = "certification-pending", "A certification is pending"


@dataclass(frozen=True)
class Need:
    """Why a version needs a new certificate.

    `arose_at` is when the need arose: what was begun since then was to meet it. Only traffic from
    `since` on, and labels of it, count.
    """

    purpose: Literal["renewal", "recovery"]
    arose_at: datetime
    since: datetime


def renewal_begins_at(version: Version, project: Project) -> datetime | None:
    """Return when the renewal of the version's certificate is due; None without a certificate."""
    if version.certificate is None or version.expires_at is None:
        return None
    return version.expires_at - timedelta(days=project.promise.expires_days) * LAST_QUARTER


def need_of(version: Version, project: Project, now: datetime) -> Need | None:
    """Say why a version that was certified needs a new certificate now; None: it needs none.

    A suspension that passes by itself (`PASSING_CAUSES`) calls for no new certificate.
    """
    begins_at = renewal_begins_at(version, project)
    if begins_at is None or not fits_project(version, project):
        return None
    assert version.certificate is not None
    assert version.expires_at is not None
    certified_at = datetime.fromisoformat(version.certificate["certified_at"])
    alarm = alarmed_at(version.suspension)
    if alarm is not None:
        return Need("recovery", alarm, since=alarm)
    if version.certificate["digest"] != certificate_digest(project):
        # Labels that were given before the edit answer another question.
        return Need("recovery", certified_at, since=now)
    if now >= version.expires_at:
        return Need("recovery", version.expires_at, since=certified_at)
    if now >= begins_at:
        return Need("renewal", begins_at, since=certified_at)
    return None


async def plan_certifications(resources: Resources, project: Project) -> None:
    """Begin what the champion needs: its renewal, or its recovery."""
    async with resources.database.reading() as session:
        state = await read_state(session, project.project)
        if state is None or await _due(resources, session, project, state) is None:
            return
    async with locking(resources.database, project.project) as (session, state):
        planned = await _due(resources, session, project, state)
        if planned is None:
            return
        session.add(planned)
    log.info(
        "certification_planned",
        project=project.project,
        version=planned.version,
        purpose=planned.purpose,
    )


async def _due(
    resources: Resources, session: Session, project: Project, state: ProjectState
) -> Certification | None:
    now = resources.now()
    champion = await registry.find(session, project.project, state.champion)
    need = None if champion is None else need_of(champion, project, now)
    if champion is None or need is None:
        return None
    pending = await repository.pending(session, project.project)
    # A newer version that waits may bring more than the old one again; a renewal must not be late.
    if any(need.purpose == "recovery" or one.version == champion.version for one in pending):
        return None
    digest = certificate_digest(project)
    tried_from = max(need.arose_at, now - timedelta(days=project.promise.expires_days))
    if await repository.was_tried(session, champion, need.purpose, digest, tried_from):
        return None
    return Certification(
        project=project.project,
        version=champion.version,
        attempt=1,
        purpose=need.purpose,
        since=need.since,
        project_digest=digest,
        created_at=now,
    )


async def request(resources: Resources, project: Project, name: str | None) -> None:
    """Begin a certification that an operator asks for, of a version or of the champion.

    Raises
    ------
    NotFound
        There is no such version.
    Conflict
        There is no champion, the version is retired, or it does not fit the project.
    CertificationPending
        One of this version waits for items or verdicts already.
    """
    async with locking(resources.database, project.project) as (session, state):
        wanted = name or state.champion
        if wanted is None:
            raise Conflict("The project has no version yet; start a run.")
        version = await require(session, project.project, wanted)
        await _refuse_unless_possible(session, project, version)
        session.add(
            Certification(
                project=project.project,
                version=version.version,
                attempt=1,
                purpose="requested",
                since=alarmed_at(version.suspension),
                created_at=resources.now(),
            )
        )
    await resources.bells.ring(work_bell(project.project))


async def _refuse_unless_possible(session: Session, project: Project, version: Version) -> None:
    name = version.version
    if version.retired:
        raise Conflict("The version is retired; choose one in service.", version=name)
    if not fits_project(version, project):
        raise Conflict(
            "The project's labels or fields changed since the version was made; start a run.",
            version=name,
        )
    pending = await repository.pending(session, project.project)
    own = next((one for one in pending if one.version == name), None)
    if own is not None:
        waits_for = "its reviewers" if own.state == "open" else own.detail or "its items"
        raise CertificationPending(
            f"A certification of {name} is pending; it waits for {waits_for} "
            "(GET …/certificate says how far it is).",
            version=name,
        )
