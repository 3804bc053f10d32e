"""Answers that only the router gives."""

from shared.contracts.base import Message
from shared.contracts.decisions import PromiseSummary
from shared.contracts.versions import Challenger


class ModelStatus(Message):
    """What a project serves with, on this replica.

    `serving` differs from `champion` while the champion is loaded, or when it was refused;
    `failures` says why. `valid_now` and `why_not` say whether the serving version may answer alone
    now, in the words of the trainer's ``GET …/promise``. `loaded` are the SHA-256 digests of the
    graphs in memory.
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
    valid_now: bool
    why_not: str | None
    serving: str | None
    loaded: dict[str, str]
    failures: dict[str, str]
