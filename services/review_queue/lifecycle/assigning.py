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
    for task in tasks:
        for mine, claim in zip(given, claims, strict=True):
            is_free = task.for_all or task.reserved_for == claim.reviewer
            has_answered = claim.reviewer in (task.answered_by or ())
            is_covered = not task.needs or claim.reviewer in (task.covered_by or ())
            if len(mine) < claim.count and is_free and is_covered and not has_answered:
                mine.append(task)
                break
    return given
