"""Messages about links."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts.base import Message, ProjectName, UtcTime
from shared.contracts.review_settings import Tags
from shared.contracts.tasks import Reviewer

LinkRole = Literal["reviewer", "operator"]
LinkState = Literal["unused", "used", "expired", "revoked"]

LONGEST_HOURS = 720


class NewProjectLink(Message):
    """The body of ``POST /v1/projects/{project}/links``.

    The link can be used within `expires_seconds`; each token that it gives is good for `hours`.
    `tags` replace those of the person in the link's projects, at once.
    """

    subject: Reviewer
    role: LinkRole = "reviewer"
    hours: float = Field(default=168, gt=0, le=LONGEST_HOURS)
    expires_seconds: float = Field(default=86_400, ge=1, le=2_592_000)
    tags: Tags | None = None


class NewLink(NewProjectLink):
    """The body of ``POST /v1/links``; without `projects` the link is for all."""

    projects: list[ProjectName] | None = Field(default=None, min_length=1, max_length=100)


class OneTimeLink(Message):
    """A link that works once: `url` opens the pages, `code` is redeemed for a token."""

    link_id: str
    code: str
    url: str
    expires_at: UtcTime


class LinkCode(Message):
    """The code of a link."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class LinkInvitation(Message):
    """What a link that was not used yet is for; `title` is that of its project, if it has one."""

    subject: str
    role: LinkRole
    projects: list[str] | None
    title: str
    hours: float
    expires_at: UtcTime


class LinkToken(Message):
    """A token that a link gave, and whom it is for; `projects` null: all."""

    token: str
    role: LinkRole
    subject: str
    projects: list[str] | None
    expires_at: UtcTime


class LinkRequested(Message):
    """Says that operators see the request for a new link."""

    requested_at: UtcTime


class LinkEntry(Message):
    """A link as operators see it. `requested_at`: its holder has asked for a new one."""

    link_id: str
    subject: str
    role: LinkRole
    projects: list[str] | None
    hours: float
    state: LinkState
    created_by: str
    created_at: UtcTime
    expires_at: UtcTime
    used_at: UtcTime | None
    revoked_at: UtcTime | None
    requested_at: UtcTime | None


class LinkList(Message):
    """A page of links, newest first."""

    links: list[LinkEntry]
    cursor: str | None


class LinkHolder(Message):
    """The body of a revocation: whose links end."""

    subject: Reviewer


class RevokedLinks(Message):
    """How many links were revoked."""

    revoked: int
