"""One-time links, and the tokens that they stand for."""

from datetime import datetime

from surehand.models.base import Model


class OneTimeLink(Model):
    """A link that signs a person in once; `code` is what `url` carries."""

    link_id: str
    code: str
    url: str
    expires_at: datetime


class LinkInvitation(Model):
    """What a link that was not used yet is for; `title` is that of its project, if it has one."""

    subject: str
    role: str
    projects: list[str] | None = None
    title: str = ""
    hours: float
    expires_at: datetime


class LinkToken(Model):
    """The token that a link was redeemed for; `projects` is None for all."""

    token: str
    role: str
    subject: str
    projects: list[str] | None = None
    expires_at: datetime


class Link(Model):
    """A link that was made; `state` is unused, used, expired or revoked."""

    link_id: str
    subject: str
    role: str
    projects: list[str] | None = None
    hours: float
    state: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    requested_at: datetime | None = None


class RevokedLinks(Model):
    """How many links were revoked."""

    revoked: int
