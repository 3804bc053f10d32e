"""Bodies of the routes of the versions."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from services.trainer.documents.status import Channel
from shared.contracts.base import Message, Text, UtcTime
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


EventKind = Literal[
    "judged",
    "approved",
    "rejected",
    "promoted",
    "rolled_back",
    "canary",
    "canary_ended",
    "shadow",
    "shadow_ended",
    "shadow_stage",
    "shadow_stage_ended",
    "retired",
]


class ApprovalRequest(Message):
    """The body of ``POST …/versions/{version}/approve`` and ``…/reject``."""

    note: Annotated[Text, StringConstraints(max_length=2_000)] | None = None


class PromotionEventView(Message):
    """One line of the history of promotions.

    `champion` served before it, `actor` is the operator who asked for it, null where the trainer
    did it by itself. A line of kind `judged` is a decision of the gate, also a no: `decision` has
    `step` (publication, certification or shadow), `promote`, `reasons` and the `tests` with their
    figures.
    `try_number` counts the versions whose accuracy was tested against `champion`.
    """

    at: UtcTime
    kind: str
    version: str
    champion: str | None
    actor: str | None
    note: str | None
    try_number: int | None
    decision: dict[str, Any] | None


class PromotionHistory(Message):
    """A page of the history, newest first."""

    events: list[PromotionEventView]
    cursor: str | None
