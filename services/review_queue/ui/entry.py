"""Sign-in: by a one-time link or a token, then by the cookie of a session."""

import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.review_queue.activity.actions import RecordedAction
from services.review_queue.activity.recording import record
from services.review_queue.links.service import digest, find_link, projects_of, use_link
from services.review_queue.projects.reading import current_project
from services.review_queue.tables.ui import SessionRow
from services.review_queue.ui import repository
from shared.auth import Principal
from shared.contracts.projects import Project
from shared.db import Database, Session
from shared.problems import Forbidden, Unauthorized

_SECRET_BYTES = 32
_LONGEST_BY_TOKEN = timedelta(hours=12)


@dataclass(frozen=True)
class Entered:
    """A session's cookie, and for how many seconds the browser keeps it."""

    cookie: str
    seconds: int


@dataclass(frozen=True)
class Invitation:
    """What a link is for: its person, its project (None: several), and for how many hours."""

    reviewer: str
    project: Project | None
    hours: float


@dataclass(frozen=True)
class EntryService:
    """Sessions.

    Cookies are random. The database has their digests only: no reader of it can enter.
    """

    database: Database
    now: Callable[[], datetime]

    async def invitation(self, code: str) -> Invitation:
        """Return what a link is for, and let it be used later; `NotFound` when it cannot be."""
        async with self.database.reading() as session:
            link = await find_link(session, code, self.now())
            name = link.project
            project = None if name is None else await current_project(session, name)
        return Invitation(link.reviewer, project, link.hours)

    async def redeem(self, code: str) -> Entered:
        """Use a link up and open a session for its hours; `NotFound` when it cannot be used."""
        async with self.database.transaction() as session:
            link = await use_link(session, code, self.now())
            projects = projects_of(link)
            who = Principal(
                subject=link.reviewer,
                role=link.role,  # type: ignore[arg-type]
                projects=None if projects is None else frozenset(projects),
                expires_at=math.inf,
                token_id="",
                key_id=link.key_id,
                link_id=link.code_digest,
            )
            return await self._open(session, who, timedelta(hours=link.hours), by="link")

    async def sign_in(self, who: Principal) -> Entered:
        """Open a session for the holder of a token; it ends with the token.

        Raises `Forbidden` (the role is one of machines).
        """
        if who.role not in {"reviewer", "operator"}:
            raise Forbidden("Use a token of role reviewer or operator.", role=who.role)
        async with self.database.transaction() as session:
            by = {"by": "token", "token_id": who.token_id}
            return await self._open(session, who, _LONGEST_BY_TOKEN, **by)

    async def _open(
        self, session: Session, who: Principal, longest: timedelta, **detail: str
    ) -> Entered:
        cookie, now = secrets.token_urlsafe(_SECRET_BYTES), self.now()
        # A token may be good for longer than a datetime can hold.
        left = min(who.expires_at - now.timestamp(), longest.total_seconds())
        row = SessionRow(
            session_digest=digest(cookie),
            subject=who.subject,
            role=who.role,
            projects=None if who.projects is None else sorted(who.projects),
            created_at=now,
            expires_at=now + timedelta(seconds=left),
            key_id=who.key_id,
            link_id=who.link_id,
        )
        await repository.add_session(session, row, now)
        _record(session, "session.opened", row, now, **detail)
        return Entered(cookie, int(left))

    async def principal(self, cookie: str | None) -> Principal:
        """Return the holder of a session's cookie; `Unauthorized` without a session."""
        if cookie is None:
            raise Unauthorized("Open a link, or sign in with a token.")
        async with self.database.reading() as session:
            row = await repository.find_session(session, digest(cookie))
        if row is None or row.expires_at <= self.now():
            raise session_ended()
        return _holder(row)

    async def leave(self, cookie: str) -> None:
        """End a session."""
        async with self.database.transaction() as session:
            row = await repository.find_session(session, digest(cookie))
            if row is not None:
                _record(session, "session.ended", row, self.now())
                await repository.end_session(session, row.session_digest)


def _holder(row: SessionRow) -> Principal:
    return Principal(
        subject=row.subject,
        role=row.role,  # type: ignore[arg-type]
        projects=None if row.projects is None else frozenset(row.projects),
        expires_at=row.expires_at.replace(tzinfo=UTC).timestamp(),
        token_id=row.session_digest,
        key_id=row.key_id,
    )


def _record(
    session: Session, action: RecordedAction, row: SessionRow, now: datetime, **detail: str
) -> None:
    projects = row.projects or []
    # One that opens several projects is of none of them alone.
    project = projects[0] if len(projects) == 1 else None
    record(
        session,
        action,
        now,
        project=project,
        target=row.session_digest,
        who=_holder(row),
        projects=row.projects,
        **detail,
    )


def session_ended() -> Unauthorized:
    """Return what a browser is told whose session is over."""
    return Unauthorized("The session has ended; open a new link, or sign in again.")
