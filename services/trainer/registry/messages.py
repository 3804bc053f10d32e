"""Bodies of the routes of the versions."""

from typing import Any

from pydantic import Field

from services.trainer.documents.status import Channel
from shared.contracts.base import Message, UtcTime
from shared.contracts.versions import PromiseState


class CanaryRequest(Message):
    """The body of ``POST …/canary``; `version` null or `share` 0 ends the canary."""

    version: str | None
    share: float = Field(ge=0, le=1)


class VersionView(Message):
    """One model version: its manifest, where it stands, and what the gate said of it.

    `channels` are those of channels.json that name it; a retired version is in none.
    """

    version: str
    standing: PromiseState
    channels: list[Channel]
    retired: bool
    threshold: float | None
    expires_at: UtcTime | None
    gate: dict[str, Any]
    manifest: dict[str, Any]


class Versions(Message):
    """A page of versions, newest first."""

    versions: list[VersionView]
    cursor: str | None
