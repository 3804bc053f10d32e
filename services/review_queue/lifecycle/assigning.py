"""Which of some free tasks goes to whom, where several people ask at once (pure)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar


@dataclass(frozen=True)
class Claim:
    """A reviewer who wants up to `count` tasks."""

    reviewer: str
    count: int


class FreeTask(Protocol):
    """A task that is free for somebody; `answered_by` names those who have answered it."""

    @property
    def for_all(self) -> bool: ...  # noqa: D102 - whether all may have it

    @property
    def reserved_for(self) -> str | None: ...  # noqa: D102 - who may have it anyway

    @property
    def answered_by(self) -> Collection[str] | None: ...  # noqa: D102 - whom it is not for


Task = TypeVar("Task", bound=FreeTask)


def assign(tasks: Sequence[Task], claims: Sequence[Claim]) -> list[list[Task]]:
    """Give each task, first turn first, to the first who still wants one and may have it.

    Nobody gets a task that he has answered, nor one that is kept for another. Returns the tasks of
    each claim, in the order of `claims`.
    """
    given: list[list[Task]] = [[] for _ in claims]
    for task in tasks:
        for mine, claim in zip(given, claims, strict=True):
            if len(mine) < claim.count and _may_have(task, claim.reviewer):
                mine.append(task)
                break
    return given


def _may_have(task: FreeTask, reviewer: str) -> bool:
    if not task.for_all and task.reserved_for != reviewer:
        return False
    return reviewer not in (task.answered_by or ())
