"""Which of some free tasks each reviewer gets, where several ask at once (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Claim:
    """A reviewer who wants up to `count` tasks."""

    reviewer: str
    count: int


def assign(tasks: Sequence[Any], claims: Sequence[Claim]) -> list[list[Any]]:
    """Give each task, first turn first, to the first claim that still wants one and may have it.

    A task is free for `reserved_for` or, if `for_all`, for all but `answered_by`; one with `needs`
    only for those whose tags cover them (`covered_by`). Returns the tasks of each claim, in the
    order of `claims`.
    """
    given: list[list[Any]] = [[] for _ in claims]
    wanting = [pair for pair in zip(claims, given, strict=True) if pair[0].count > 0]
    for task in tasks:
        for place, (claim, mine) in enumerate(wanting):
            if _may_have(task, claim.reviewer):
                mine.append(task)
                if len(mine) == claim.count:
                    # The claim has as many tasks as it wants, and needs no look at the others.
                    del wanting[place]
                break
    return given


def _may_have(task: Any, reviewer: str) -> bool:
    is_free = task.for_all or task.reserved_for == reviewer
    is_covered = not task.needs or reviewer in (task.covered_by or ())
    return is_free and is_covered and reviewer not in (task.answered_by or ())
