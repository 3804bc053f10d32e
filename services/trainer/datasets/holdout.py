"""The hold-out of traffic: a share of the items that clients send, which trains nothing for a time.

What reviewers label before a version's labels are frozen is mostly what a model was unsure of, and
it trains the version: neither may judge it. So a share of the items is drawn by a key and the
item's id alone, and left out of snapshots, whatever a router decided and people said about it.
The hold-out is a uniform draw of traffic that the version has not seen, and may certify it, as
traffic from after the freeze may.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.contracts.projects import Project
from shared.draws import Draw, key_for

# So long no item of the hold-out trains, unless a certification has used it; then it may.
KEPT_FOR = timedelta(days=30)
# Labels of items that clients sent; those of the pool and of certifications were drawn by us.
_LANES_OF_TRAFFIC = frozenset({"mandatory", "optional", "relabel", "audit"})


class Copy(NamedTuple):
    """One item whose content came under several ids."""

    item_id: str
    content_hash: str
    received_at: datetime


@dataclass(frozen=True)
class Holdout:
    """Which items of a project, received since then, train nothing.

    Attributes
    ----------
    seed : the project's own, known to the trainer alone
    rate : in [0, 1], share of the items
    since : items that were received before may train
    """

    seed: str
    rate: float
    since: datetime

    @classmethod
    def of(cls, project: Project, seed: str, now: datetime) -> "Holdout":
        """Return the hold-out of a snapshot that is made now.

        Where reviewers see suggestions, traffic that they have labelled is no evidence: then there
        is none.
        """
        rate = project.promise.holdout_rate if project.review.blind else 0.0
        return cls(seed, rate, now - KEPT_FOR)

    def takes(self, item_ids: Iterable[str]) -> set[str]:
        """Return those of the items that are drawn."""
        draw = Draw(key_for(self.seed, "holdout"), self.rate)
        return {item_id for item_id in item_ids if draw.takes(item_id)}

    def contents(
        self, copies: Sequence[Copy], spent: Iterable[str], recurs_after: timedelta
    ) -> set[str]:
        """Return the contents of which no copy may train, since one is held out.

        A client that repeats a request under another id sends copies within moments: with one of
        them in the training labels the other would look easier than what comes next. A content that
        was received over `recurs_after` or longer recurs, and comes again as often as it did: its
        copies train like other items.
        """
        held = self.takes(copy.item_id for copy in copies) - set(spent)
        times: dict[str, list[datetime]] = {}
        for copy in copies:
            times.setdefault(copy.content_hash, []).append(copy.received_at)
        return {
            copy.content_hash
            for copy in copies
            if copy.item_id in held
            and max(times[copy.content_hash]) - min(times[copy.content_hash]) < recurs_after
        }


def is_of_traffic(lane: str) -> bool:
    """Say whether outcomes of a lane are about items that clients sent."""
    return lane in _LANES_OF_TRAFFIC
