"""Every statement about links."""

from datetime import datetime

from sqlalchemy import delete, select, tuple_, update
from sqlmodel import col

from services.review_queue.tables.people import LINKS, LinkRow, SessionRow
from shared.db import Session


async def use(session: Session, digest: str, now: datetime) -> LinkRow | None:
    """Use the link up and return it; None when it cannot be used.

    One statement, so that of two who come at once only one enters.
    """
    statement = (
        update(LinkRow)
        .where(
            col(LinkRow.code_digest) == digest,
            col(LinkRow.used_at).is_(None),
            col(LinkRow.revoked_at).is_(None),
            col(LinkRow.expires_at) > now,
        )
        .values(used_at=now)
        .returning(LinkRow)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def request(session: Session, digest: str, now: datetime) -> LinkRow | None:
    """Note that the link's holder wants a new one, and return it; None when there is no such."""
    asked = update(LinkRow).where(col(LinkRow.code_digest) == digest).values(requested_at=now)
    return (await session.execute(asked.returning(LinkRow))).scalar_one_or_none()


async def add(session: Session, row: LinkRow, forget_before: datetime) -> None:
    """Keep a link; its subject's requests are met. Forget links that expired long ago."""
    await session.execute(delete(LINKS).where(LINKS.c.expires_at <= forget_before))
    own = (LINKS.c.project == row.project, LINKS.c.reviewer == row.reviewer)
    met = update(LINKS).where(*own, LINKS.c.requested_at.is_not(None))
    await session.execute(met.values(requested_at=None))
    session.add(row)


async def page(
    session: Session,
    project: str | None,
    *,
    before: tuple[datetime, str] | None,
    requested: bool | None,
    limit: int,
) -> list[LinkRow]:
    """Return a project's links (None: those of no single project), newest first."""
    statement = select(LinkRow).where(LINKS.c.project == project)
    if before is not None:
        place = tuple_(col(LinkRow.created_at), col(LinkRow.code_digest))
        statement = statement.where(place < before)
    if requested is not None:
        asked = col(LinkRow.requested_at)
        statement = statement.where(asked.is_not(None) if requested else asked.is_(None))
    newest = statement.order_by(col(LinkRow.created_at).desc(), col(LinkRow.code_digest).desc())
    return list((await session.execute(newest.limit(limit))).scalars())


async def revoke(session: Session, project: str | None, subject: str, now: datetime) -> list[str]:
    """Revoke a subject's links, end the pages' sessions of them; return the links' ids."""
    own = (LINKS.c.project == project, LINKS.c.reviewer == subject)
    unrevoked = update(LINKS).where(*own, LINKS.c.revoked_at.is_(None))
    revoked = unrevoked.values(revoked_at=now, requested_at=None)
    ids = list((await session.execute(revoked.returning(LINKS.c.code_digest))).scalars())
    await session.execute(delete(SessionRow).where(col(SessionRow.link_id).in_(ids)))
    return ids


async def revoked_ids(session: Session) -> frozenset[str]:
    """Return the ids of all links that were revoked."""
    found = select(LINKS.c.code_digest).where(LINKS.c.revoked_at.is_not(None))
    return frozenset((await session.execute(found)).scalars())
