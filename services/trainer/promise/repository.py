"""SQL of certifications and the items drawn for them."""

import gzip
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, exists, func, or_, select, true
from sqlmodel import col

from services.trainer.promise.proof.messages import PopulationRow
from services.trainer.tables import (
    OF_DRAW,
    Certification,
    CertificationItem,
    CertificationPopulation,
    OutcomeRow,
    Version,
    page_before,
    rows_of,
)
from shared.db import Session

_URGENT_FIRST = ("renewal", "recovery", "requested", "first")


async def newest(session: Session, project: str) -> Certification | None:
    """Return the last attempt."""
    key = Certification.certification_id
    return next(iter(await page_before(session, Certification, project, key, None, 1)), None)


async def pending(session: Session, project: str) -> list[Certification]:
    """Return what waits for items or verdicts: the open one, then the urgent, then the newest."""
    is_pending = col(Certification.state).in_(("waiting", "open"))
    key = Certification.certification_id
    found = await page_before(session, Certification, project, key, None, None, is_pending)
    return sorted(found, key=lambda one: (one.state != "open", _URGENT_FIRST.index(one.purpose)))


async def with_open(session: Session, projects: Collection[str]) -> list[str]:
    """Return those of `projects` that have a certification which waits for verdicts."""
    query = select(col(Certification.project)).where(
        col(Certification.project).in_(projects), col(Certification.state) == "open"
    )
    return sorted(set((await session.execute(query)).scalars()))


async def was_tried(
    session: Session, version: Version, purpose: str, digest: str, since: datetime
) -> bool:
    """Say whether a certification for the project as it is was begun since, and not cancelled."""
    query = select(col(Certification.certification_id)).where(
        col(Certification.project) == version.project,
        col(Certification.version) == version.version,
        col(Certification.purpose) == purpose,
        col(Certification.state) != "cancelled",
        col(Certification.project_digest) == digest,
        col(Certification.created_at) >= since,
    )
    return (await session.execute(query.limit(1))).first() is not None


async def labels_asked(session: Session, project: str, since: datetime) -> int:
    """Count the verdicts that were asked for by certifications opened since then."""
    query = (
        select(func.count())
        .select_from(CertificationItem)
        .join(Certification, OF_DRAW)
        .where(
            col(CertificationItem.project) == project,
            col(CertificationItem.copy_of).is_(None),
            col(Certification.opened_at) >= since,
        )
    )
    return int((await session.execute(query)).scalar_one())


async def items(session: Session, certification_id: str) -> Sequence[CertificationItem]:
    """Return the items of an attempt in the order of the draw."""
    of_draw, order = col(CertificationItem.certification_id), [col(CertificationItem.position)]
    return await rows_of(session, CertificationItem, of_draw == certification_id, order=order)


async def draws_of(session: Session, certification: Certification) -> list[Certification]:
    """Return the draws of the certification's test up to it, in their order."""
    if certification.test_id is None:
        return [certification]
    draws = (
        or_(
            col(Certification.certification_id) == certification.test_id,
            col(Certification.test_id) == certification.test_id,
        ),
        col(Certification.opened_at).is_not(None),
        col(Certification.attempt) <= certification.attempt,
    )
    order = [col(Certification.attempt)]
    return list(await rows_of(session, Certification, *draws, order=order))


async def tested_items(session: Session, certification: Certification) -> list[CertificationItem]:
    """Return the items that the certification's test has drawn up to it, in their order."""
    draws = await draws_of(session, certification)
    return [item for draw in draws for item in await items(session, draw.certification_id)]


# Whether an item has an outcome, its own or that of its copy.
_HAS_OUTCOME = and_(
    col(OutcomeRow.project) == col(CertificationItem.project),
    col(OutcomeRow.item_id)
    == func.coalesce(col(CertificationItem.copy_of), col(CertificationItem.item_id)),
)


async def settled(session: Session, certification_id: str) -> set[str]:
    """Return the items of an attempt that have a verdict, their copy's, or were refused."""
    query = select(col(CertificationItem.item_id)).where(
        col(CertificationItem.certification_id) == certification_id,
        or_(exists().where(_HAS_OUTCOME), col(CertificationItem.refused).is_not(None)),
    )
    return set((await session.execute(query)).scalars())


async def population(session: Session, certification_id: str) -> list[PopulationRow]:
    """Return the population that a certification was drawn from; empty if it is not kept."""
    kept = await session.get(CertificationPopulation, certification_id)
    lines = [] if kept is None else gzip.decompress(kept.rows).split(b"\n")
    return [PopulationRow.model_validate_json(line) for line in lines]


class CertificationProgress(NamedTuple):
    """How many items were drawn and are settled; labels that are missing, one for each content."""

    drawn: int
    answered: int
    missing: int


async def progress(session: Session, certification_id: str) -> CertificationProgress:
    """Count the items of an attempt."""
    settled = or_(col(OutcomeRow.item_id).is_not(None), col(CertificationItem.refused).is_not(None))
    missing = and_(~settled, col(CertificationItem.copy_of).is_(None))
    query = (
        select(func.count(), func.count().filter(settled), func.count().filter(missing))
        .select_from(CertificationItem)
        .outerjoin(OutcomeRow, _HAS_OUTCOME)
        .where(col(CertificationItem.certification_id) == certification_id)
    )
    return CertificationProgress(*(await session.execute(query)).one())


async def drawn_before(session: Session, project: str) -> set[str]:
    """Return every item that was ever drawn for a certification: none is drawn twice."""
    query = select(col(CertificationItem.item_id)).where(col(CertificationItem.project) == project)
    return set((await session.execute(query)).scalars())


async def drawn_for_others_at(
    session: Session, certification: Certification, *, goes_on: bool
) -> datetime | None:
    """Return when items of traffic were last drawn for another test; None: never.

    `goes_on`: the certification's draw goes on with its test.
    """
    own = certification.test_id if goes_on else None
    test = func.coalesce(col(Certification.test_id), col(Certification.certification_id))
    query = (
        select(col(Certification.opened_at))
        .where(
            col(Certification.project) == certification.project,
            true() if own is None else test != own,
            col(Certification.opened_at).is_not(None),
            col(Certification.population)["kind"].as_string() == "traffic",
        )
        .order_by(col(Certification.opened_at).desc())
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none()
