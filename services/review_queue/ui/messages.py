"""Messages of the page."""

from pydantic import Field

from shared.contracts.base import Message


class Acknowledgement(Message):
    """Says that a reviewer has read a revision of the instructions."""

    revision: int = Field(ge=1, le=2_147_483_647)
