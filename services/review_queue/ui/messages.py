"""Messages of the page and of its links."""

from pydantic import Field

from shared.contracts.base import Message, UtcTime
from shared.contracts.tasks import Reviewer


class NewLink(Message):
    """The body of ``POST …/links``."""

    reviewer: Reviewer
    expires_seconds: float = Field(default=86_400, ge=1, le=2_592_000)


class OneTimeLink(Message):
    """A link that opens the page once."""

    url: str
    expires_at: UtcTime


class Acknowledgement(Message):
    """Says that a reviewer has read a revision of the instructions."""

    revision: int = Field(ge=1, le=2_147_483_647)
