"""Lanes: which task comes first, and how much of the review each kind of them gets (pure)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from shared.contracts.tasks import EVIDENCE_LANES, Lane

# Lanes that share one order. `elective` ones are those whose items nobody waits for.
LaneGroup = Literal["mandatory", "evidence", "elective"]
GROUPS: tuple[LaneGroup, ...] = get_args(LaneGroup)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Later than any due date that a datetime can hold.
_AFTER_ALL_DUE = 10**18
RESERVED_TURN = 0
# Before every clock, however far it runs behind that of the replica which took the task in.
AVAILABLE_AT_ONCE = _EPOCH

_BLINDNESS: dict[Lane, int] = {"audit": 1, "gold": 2, "certification": 3}
# How long a fresh task of an elective lane stands behind one of the same moment that an operator
# asked for again. An optional one waits the shorter the more it saves; so each comes in the end.
_DAY = timedelta(days=1)
_UNKNOWN_SAVING = 0.5


def group_of(lane: Lane) -> LaneGroup:
    """Return the group whose order a lane's tasks stand in."""
    if lane in EVIDENCE_LANES:
        return "evidence"
    return "mandatory" if lane == "mandatory" else "elective"


def saving_of(prediction: dict[str, Any] | None) -> float:
    """Return what a person's answer may save, in [0, 1]: the chance that the model's is wrong."""
    confidence = None if prediction is None else prediction.get("confidence")
    return _UNKNOWN_SAVING if confidence is None else min(max(1.0 - confidence, 0.0), 1.0)


def turn_of(
    lane: Lane, due_at: datetime | None, created_at: datetime, saving: float = _UNKNOWN_SAVING
) -> int:
    """Where a task stands among those of its group, lowest first.

    Mandatory tasks by their due date (earliest deadline first), those without one after them;
    evidence by creation. Elective tasks by creation too, but aged: what was asked for again comes
    a day before the pool, an optional task by its `saving` in between. So whatever comes, each has
    only a day's later arrivals before it.
    """
    if lane in EVIDENCE_LANES:
        return _microseconds(created_at)
    if lane == "mandatory":
        return (
            _microseconds(due_at)
            if due_at is not None
            else _AFTER_ALL_DUE + _microseconds(created_at)
        )
    patience = {"relabel": 0.0, "optional": 1.0 - saving}.get(lane, 1.0)
    return _microseconds(created_at) + int(patience * (_DAY / _MICROSECOND))


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def lane_after(current: Lane, asked: Lane) -> Lane:
    """Return the lane of an open, unleased task that is asked for again.

    It moves to a blind lane and never out of one, but for a draw that needs it more: whatever the
    order in which calls arrive, the lane is the same.
    """
    return asked if _BLINDNESS.get(asked, 0) > _BLINDNESS.get(current, 0) else current


@dataclass
class Share:
    """Decides how many of the next leases prefer one group: one in `every`, while it has tasks.

    `others_left` is how many leases may still go to others before this group is due.
    """

    every: int
    others_left: int = 0

    def plan(self, count: int) -> int:
        """Return how many of `count` leases prefer the group, and take them as given."""
        own = max(0, -(-(count - self.others_left) // self.every))
        self._give(own, count - own)
        return own

    def settle(self, planned: int, count: int, *, own: int, others: int) -> None:
        """Correct a plan of `planned` out of `count` by what was really given."""
        if own < planned:
            # None waits: the first that comes is next.
            self.others_left = 0
        else:
            self._give(own - planned, others - (count - planned))

    def _give(self, own: int, others: int) -> None:
        left = self.others_left + (self.every - 1) * own - others
        self.others_left = min(max(left, 0), self.every - 1)


@dataclass
class Plan:
    """How many of some leases prefer each group; `mandatory` is the rest."""

    evidence: int
    elective: int
    mandatory: int

    @property
    def count(self) -> int:
        """How many leases there are to be."""
        return self.evidence + self.elective + self.mandatory


class Shares:
    """A project's review, shared out: a fifth is evidence, a tenth elective, the rest mandatory.

    So no lane starves, however many tasks another has. What a group cannot fill goes to the others.
    """

    def __init__(self) -> None:
        self._evidence = Share(5)
        self._elective = Share(10)

    def plan(self, count: int) -> Plan:
        """Share `count` leases out, and take them as given."""
        evidence = self._evidence.plan(count)
        elective = self._elective.plan(count)
        fitting = min(elective, count - evidence)
        if fitting < elective:
            # Both are due and one lease is asked for: the next is the other's.
            self._elective.settle(elective, count, own=fitting, others=count - fitting)
        return Plan(evidence, fitting, count - evidence - fitting)

    def settle(self, plan: Plan, *, evidence: int, elective: int, mandatory: int) -> None:
        """Correct a plan by what was really given."""
        count = plan.count
        self._evidence.settle(plan.evidence, count, own=evidence, others=elective + mandatory)
        self._elective.settle(plan.elective, count, own=elective, others=evidence + mandatory)
