"""Lanes: which task comes first, and how much of the review goes to evidence (pure)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.contracts.tasks import EVIDENCE_LANES, Lane

# Evidence is a fifth of the leases: one, then at most so many others.
_OTHERS_PER_EVIDENCE = 4

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Later than any due date that a datetime can hold.
_AFTER_ALL_DUE = 10**18
RESERVED_TURN = 0
# Before every clock, however far it runs behind that of the replica which took the task in.
AVAILABLE_AT_ONCE = _EPOCH

_BLINDNESS: dict[Lane, int] = {"audit": 1, "gold": 2, "certification": 3}


def turn_of(lane: Lane, due_at: datetime | None, created_at: datetime) -> int:
    """Where a task stands among those of its class, lowest first.

    Mandatory tasks by their due date; after them the others, as evidence, by creation.
    """
    if lane in EVIDENCE_LANES:
        return _microseconds(created_at)
    if lane == "mandatory" and due_at is not None:
        return _microseconds(due_at)
    return _AFTER_ALL_DUE + _microseconds(created_at)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def lane_after(current: Lane, asked: Lane) -> Lane:
    """Return the lane of an open, unleased task that is asked for again.

    It moves to a blind lane and never out of one, but for a draw that needs it more: whatever the
    order in which calls arrive, the lane is the same.
    """
    return asked if _BLINDNESS.get(asked, 0) > _BLINDNESS.get(current, 0) else current


@dataclass
class EvidenceShare:
    """Decides how many of the next leases prefer evidence: a fifth, while evidence waits.

    `others_left` is how many leases may still go to other lanes before evidence is due.
    """

    others_left: int = 0

    def plan(self, count: int) -> int:
        """Return how many of `count` leases prefer evidence, and take them as given."""
        evidence = max(0, -(-(count - self.others_left) // (_OTHERS_PER_EVIDENCE + 1)))
        self._give(evidence, count - evidence)
        return evidence

    def settle(self, planned: int, count: int, *, evidence: int, others: int) -> None:
        """Correct a plan of `planned` out of `count` by what was really given."""
        if evidence < planned:
            # None waits: the first that comes is next.
            self.others_left = 0
        else:
            self._give(evidence - planned, others - (count - planned))

    def _give(self, evidence: int, others: int) -> None:
        left = self.others_left + _OTHERS_PER_EVIDENCE * evidence - others
        self.others_left = min(max(left, 0), _OTHERS_PER_EVIDENCE)
