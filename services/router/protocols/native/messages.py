"""Answers that only the router gives."""

from shared.contracts.base import Message
from shared.contracts.decisions import PromiseSummary
from shared.contracts.versions import Challenger


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
