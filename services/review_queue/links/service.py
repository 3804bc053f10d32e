"""Links as use cases: make, redeem, renew, ask for a new one, revoke, list."""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from services.review_queue.activity.messages import RecordedAction
from services.review_queue.activity.recording import record
from services.review_queue.links import messages, repository
from services.review_queue.links.attempts import FailedAttempts
from services.review_queue.links.signing import LinkSigner, projects_of, require_token_fits
from services.review_queue.projects.reading import current_project
from services.review_queue.quality.tags.service import set_tags
from services.review_queue.tables.people import LinkRow
from shared.auth import Principal, require, require_all_projects
from shared.contracts.base import rfc3339
from shared.db import Database, Session
from shared.http.lists import page_of, parse_place, position_at
from shared.problems import Conflict, NotFound, Unauthorized, Unprocessable

_SECRET_BYTES = 32
_CODE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LONGEST_RENEWAL = timedelta(days=90)
# Longer than a link may wait for its use, and its tokens be renewed.
_KEPT = timedelta(days=180)


@dataclass
class LinkService:
    """One-time links. Of a code only its digest is kept: no reader of the database can use it."""

    database: Database
    signer: LinkSigner
    now: Callable[[], datetime]
    attempts: FailedAttempts = field(init=False)
    _revoked: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.attempts = FailedAttempts(self.now)

    def is_revoked(self, who: Principal) -> bool:
        """Say whether the link that a token comes from was revoked, as of the last `refresh`."""
        return who.link_id in self._revoked

    async def refresh(self) -> None:
        """Read which links were revoked, also by other replicas."""
        async with self.database.reading() as session:
            self._revoked = await repository.revoked_ids(session)

    async def make(
        self, projects: list[str] | None, body: messages.NewProjectLink, who: Principal
    ) -> tuple[str, LinkRow]:
        """Make a link to `projects` (None: all); return its code and its row.

        Raises `NotFound` (there is no such project), `Forbidden` (`who` may not enter it) and
        `Unprocessable` (tags without a project, or more projects than a browser's cookie takes).
        """
        if projects is None and body.tags is not None:
            raise Unprocessable([("/tags", "need `projects`: a person has tags in each project")])
        if projects is None:
            require_all_projects(who)
        for project in projects or ():
            require(who, {"operator"}, project)
        require_token_fits(projects, body.subject)
        code, now = secrets.token_urlsafe(_SECRET_BYTES), self.now()
        single = projects[0] if projects is not None and len(projects) == 1 else None
        row = LinkRow(
            code_digest=_digest(code),
            project=single,
            projects=None if single else projects,
            reviewer=body.subject,
            role=body.role,
            hours=body.hours,
            created_by=who.subject,
            created_at=now,
            expires_at=now + timedelta(seconds=body.expires_seconds),
            key_id=who.key_id,
        )
        async with self.database.transaction() as session:
            for project in projects or ():
                await current_project(session, project)
                if body.tags is not None:
                    await set_tags(session, project, body.subject, body.tags, now)
            await repository.add(session, row, now - _KEPT)
            until = rfc3339(row.expires_at)
            _record(session, "link.made", row, now, by=who.subject, expires_at=until)
        return code, row

    async def redeem(self, code: str, address: str) -> messages.LinkToken:
        """Use a link up and return its first token.

        Raises `NotFound` (it was used, has expired or was revoked), `TooManyRequests` (too many
        such from `address`) and `Unavailable` (there is no key to sign with).
        """
        async with self.database.transaction() as session:
            with self.attempts.counting(address):
                link = None
                if _CODE.fullmatch(code):
                    link = await repository.use(session, _digest(code), self.now())
                if link is None:
                    raise _used_up()
            _record(session, "link.redeemed", link, self.now())
            return self.signer.sign(link, self._seconds(link))

    async def inspect(self, code: str, address: str) -> messages.LinkInvitation:
        """Return what a link is for, and let it be used later. Errors are those of `redeem`."""
        async with self.database.reading() as session:
            with self.attempts.counting(address):
                link = await session.get(LinkRow, _digest(code))
                if link is None or _state(link, self.now()) != "unused":
                    raise _used_up()
            name = link.project
            project = None if name is None else await current_project(session, name)
        return messages.LinkInvitation(
            subject=link.reviewer,
            role=link.role,  # type: ignore[arg-type]
            projects=projects_of(link),
            title="" if project is None else project.title or project.project,
            hours=link.hours,
            expires_at=link.expires_at,
        )

    async def renew(self, who: Principal) -> messages.LinkToken:
        """Return a further token for the holder of one that came from a link.

        Raises `Conflict`: it came from none, or the link was redeemed 90 days ago; `Unauthorized`:
        the link was revoked.
        """
        if who.link_id is None:
            raise Conflict("This token does not come from a link: issue a new one.")
        async with self.database.reading() as session:
            link = await session.get(LinkRow, who.link_id)
        if link is None or link.revoked_at is not None:
            raise Unauthorized("The link that this token comes from was revoked; ask for another.")
        seconds = self._seconds(link)
        if seconds <= 0:
            raise Conflict("Tokens of a link are renewed for 90 days: ask for a new link.")
        return self.signer.sign(link, seconds)

    async def request(self, code: str, address: str) -> messages.LinkRequested:
        """Note that the holder of a link, used and expired or not, wants a new one.

        Raises `NotFound` (there was no such link) and `TooManyRequests`.
        """
        now = self.now()
        async with self.database.transaction() as session:
            with self.attempts.counting(address):
                link = await repository.request(session, _digest(code), now)
                if link is None:
                    raise NotFound("There was no such link. Ask an operator for one.")
            _record(session, "link.requested", link, now)
        return messages.LinkRequested(requested_at=now)

    async def revoke(self, project: str | None, subject: str) -> messages.RevokedLinks:
        """End a subject's links to a project (None: those to no single one), with their tokens.

        Raises `NotFound`: there is no such project.
        """
        async with self.database.transaction() as session:
            if project is not None:
                await current_project(session, project)
            ids = await repository.revoke(session, project, subject, self.now())
            if ids:
                about: dict[str, Any] = {"project": project, "target": subject, "links": len(ids)}
                record(session, "link.revoked", self.now(), **about)
        self._revoked |= frozenset(ids)
        return messages.RevokedLinks(revoked=len(ids))

    async def page(
        self, project: str | None, *, after: str | None, requested: bool | None, limit: int
    ) -> messages.LinkList:
        """Return a project's links (None: those to no single one), newest first.

        Raises `NotFound`: there is no such project.
        """
        before = parse_place(after, _as_digest)
        async with self.database.reading() as session:
            if project is not None:
                await current_project(session, project)
            rows = await repository.page(
                session, project, before=before, requested=requested, limit=limit + 1
            )
        shown, cursor = page_of(rows, limit, _position)
        return messages.LinkList(links=[self._entry(row) for row in shown], cursor=cursor)

    def _seconds(self, link: LinkRow) -> float:
        """How long a token of the link may be good for, from now."""
        renewable = (link.used_at or self.now()) + _LONGEST_RENEWAL - self.now()
        return min(link.hours * 3600, renewable.total_seconds())

    def _entry(self, row: LinkRow) -> messages.LinkEntry:
        columns = row.model_dump(include=messages.LinkEntry.model_fields.keys() - {"projects"})
        return messages.LinkEntry(
            link_id=row.code_digest,
            subject=row.reviewer,
            projects=projects_of(row),
            state=_state(row, self.now()),
            **columns,
        )


def _used_up() -> NotFound:
    return NotFound("This link was used before, or has expired. Ask for a new one.")


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()


def _state(row: LinkRow, now: datetime) -> messages.LinkState:
    if row.revoked_at is not None:
        return "revoked"
    if row.used_at is not None:
        return "used"
    return "unused" if row.expires_at > now else "expired"


def _position(row: LinkRow) -> str:
    return position_at(row.created_at, row.code_digest)


def _as_digest(text: str) -> str | None:
    # Databases do not take every text.
    return text if _DIGEST.fullmatch(text) else None


def _record(
    session: Session,
    action: RecordedAction,
    link: LinkRow,
    at: datetime,
    by: str | None = None,
    **detail: Any,
) -> None:
    record(
        session,
        action,
        at,
        project=link.project,
        target=link.reviewer,
        actor=by or link.reviewer,
        role=link.role,
        **detail,
    )
