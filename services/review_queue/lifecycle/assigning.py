"""Which of some free tasks each reviewer gets, where several ask at once (pure)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar


@dataclass(frozen=True)
class Claim:
    """A reviewer who wants up to `count` tasks."""

    reviewer: str
    count: int


class FreeTask(Protocol):
    """A task that is free for `reserved_for` or, if `for_all`, for all but `answered_by`."""

    for_all: bool
    reserved_for: str | None
    answered_by: Collection[str] | None


Task = TypeVar("Task", bound=FreeTask)


def assign(tasks: Sequence[Task], claims: Sequence[Claim]) -> list[list[Task]]:
    """Give each task, first turn first, to the first claim that still wants one and may have it.

    No reviewer gets a task that they have answered, nor one that is kept for another. Returns the
    tasks of each claim, in the order of `claims`.
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
