"""Lanes: which task comes first, and how much of the review each kind of them gets (pure)."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar, get_args

from shared.contracts.review_settings import ReviewSettings
from shared.contracts.tasks import EVIDENCE_LANES, Lane

# Tasks that share one order. No caller waits for an `elective` one. An `optional` one expires at
# its due date, so it may come after all mandatory ones and all evidence, however many they are.
LaneGroup = Literal["mandatory", "evidence", "optional", "elective"]
GROUPS: tuple[LaneGroup, ...] = get_args(LaneGroup)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Later than any due date that a datetime can hold.
_AFTER_ALL_DUE = 10**18
RESERVED_TURN = 0
# Before every clock, however far it runs behind that of the replica which took the task in.
AVAILABLE_AT_ONCE = _EPOCH

_BLINDNESS: dict[Lane, int] = {"audit": 1, "gold": 2, "certification": 3}
# How long a fresh elective task stands behind one of the same moment that an operator asked for
# again. One of lane optional waits the shorter the more it saves; so each comes in the end.
_DAY = timedelta(days=1)
_UNKNOWN_SAVING = 0.5
# Turns of tasks that expire: finer than the confidences of float32, and above RESERVED_TURN.
_SAVING_STEPS = 10**12


def group_of(lane: Lane, due_at: datetime | None) -> LaneGroup:
    """Return the group whose order a task stands in."""
    if lane in EVIDENCE_LANES:
        return "evidence"
    if lane == "optional" and due_at is not None:
        return "optional"
    return "mandatory" if lane == "mandatory" else "elective"


def due_of(
    lane: Lane, due_at: datetime | None, review: ReviewSettings, asked_at: datetime
) -> datetime | None:
    """Return when a task is due that is asked for in `lane`: a mandatory one always is."""
    if due_at is None and lane == "mandatory":
        return asked_at + timedelta(seconds=review.due_seconds)
    return due_at


def saving_of(confidence: float | None) -> float:
    """Return what a person's answer may save, in [0, 1]: the chance that the model's is wrong."""
    return _UNKNOWN_SAVING if confidence is None else min(max(1.0 - confidence, 0.0), 1.0)


def turn_of(
    lane: Lane, due_at: datetime | None, created_at: datetime, saving: float = _UNKNOWN_SAVING
) -> int:
    """Where a task stands among those of its group, lowest first.

    Mandatory tasks by their due date (earliest deadline first), those without one after them;
    evidence by creation; optional ones by their `saving`. Elective tasks by creation too, but aged:
    what was asked for again comes a day before the pool, one of lane optional by its `saving` in
    between. So whatever comes, each has only a day's later arrivals before it.
    """
    if lane in EVIDENCE_LANES:
        return _microseconds(created_at)
    if lane == "mandatory" and due_at is not None:
        return _microseconds(due_at)
    if lane == "mandatory":
        return _AFTER_ALL_DUE + _microseconds(created_at)
    if group_of(lane, due_at) == "optional":
        return 1 + int((1.0 - saving) * _SAVING_STEPS)
    patience = {"relabel": 0.0, "optional": 1.0 - saving}.get(lane, 1.0)
    return _microseconds(created_at) + int(patience * (_DAY / _MICROSECOND))


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def lane_after(current: Lane, asked: Lane) -> Lane:
    """Return the lane of an open, unleased task that is asked for again.

    It moves to a blind lane and never out of one, but for a draw that needs it more: whatever the
    order in which calls arrive, the lane is the same. An optional one may become mandatory.

    Lane `shadow` takes no task: what is left in the other lane, once two versions' disagreements
    are gone, would be no sample. It gives way to evidence, and to `mandatory`, for which a caller
    waits. In the lanes for which no caller waits, a suggestion would spoil its blind answer.
    """
    if current in ("shadow", "optional") and asked == "mandatory":
        return asked
    return asked if _BLINDNESS.get(asked, 0) > _BLINDNESS.get(current, 0) else current


# Lanes of the tasks that the trainer withdraws once it reads their labels no more.
DRAWN_LANES: frozenset[Lane] = frozenset({"certification", "shadow"})
# Lanes that a task may go back to, the one that needs it most first.
_NEEDS: tuple[Lane, ...] = ("gold", "audit", "mandatory", "optional", "relabel", "pool")


def lane_without_draw(asked: Iterable[Lane]) -> Lane | None:
    """Return the lane of a withdrawn task, whose draw has ended; None: no other call needs it.

    `asked` are the lanes in which it was asked for. An optional review becomes mandatory: its due
    date, and the answer that it was about, went when it was drawn.
    """
    others = [lane for lane in asked if lane not in DRAWN_LANES]
    lane = min(others, key=_NEEDS.index, default=None)
    return "mandatory" if lane == "optional" else lane


# Of the leases, while each group has tasks: so none starves, however many another has.
_EVIDENCE_SHARE = 0.2
_ELECTIVE_SHARE = 0.1


@dataclass(frozen=True)
class Plan:
    """How many of `count` leases prefer evidence or elective tasks; the rest prefer mandatory ones.

    What a group cannot fill goes to the others.
    """

    count: int
    evidence: int
    elective: int


def share_out(count: int, chance: random.Random) -> Plan:
    """Decide for each of `count` leases by lot which group it prefers.

    If it were every fifth in turn, a reviewer could tell by counting which tasks are evidence.
    """
    draws = [chance.random() for _ in range(count)]
    evidence = sum(draw < _EVIDENCE_SHARE for draw in draws)
    elective = sum(draw >= 1 - _ELECTIVE_SHARE for draw in draws)
    return Plan(count, evidence, elective)


Placed = TypeVar("Placed")


def mixed(groups: Iterable[Sequence[Placed]], chance: random.Random) -> list[Placed]:
    """Return what all groups have, each in its own order, and the groups mixed by lot.

    So the place of a task in one answer says nothing of its group.
    """
    left = [list(reversed(group)) for group in groups]
    places = [number for number, group in enumerate(left) for _ in group]
    chance.shuffle(places)
    return [left[number].pop() for number in places]
