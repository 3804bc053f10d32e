"""Answers that only the router gives."""

from typing import Literal

from pydantic import ConfigDict

from shared.contracts.base import ItemId, Label, Message, UtcTime
from shared.contracts.decisions import PromiseSummary
from shared.contracts.tasks import OutcomeSource
from shared.contracts.versions import Challenger


class ItemOutcome(Message):
    """What became of an item; passed on as the review queue says it."""

    # The review queue may say more one day, and a router is not updated in the same moment.
    model_config = ConfigDict(extra="ignore")

    item_id: ItemId
    status: Literal["in_review", "resolved", "unknown"]
    label: Label | None = None
    source: OutcomeSource | None = None
    task_id: str | None = None
    revision: int | None = None
    resolved_at: UtcTime | None = None


class ModelStatus(Message):
    """What a project serves with, on this replica.

    `serving` differs from `champion` while the champion is loaded, or when it was refused;
    `failures` says why. `loaded` are the SHA-256 digests of the graphs in memory.
    """

    project: str
    champion: str | None
    previous: str | None
    challenger: Challenger | None
    shadow: list[str]
    channels_revision: int
    policy_revision: int | None
    project_revision: int
    promise: PromiseSummary
    serving: str | None
    loaded: dict[str, str]
    failures: dict[str, str]
