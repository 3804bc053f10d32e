"""Overlap: whether a task's verdicts yield its label, or whom to ask next (pure).

With overlap 1 the first verdict is the label. With more, `overlap` reviewers are asked, and then
one more at a time while their votes leave it open:

* The lead rule: a label that leads the next one by two votes is the consensus.
* Once each of the task's reviewers is known well (`Reliability`), the tempered Dawid-Skene
  posterior takes its place: a label that is sure enough is the consensus.
* After `max_overlap` verdicts no other reviewer is asked. The leading label is the consensus; a tie
  goes to an adjudicator: two labels with as many votes each or, by the posterior, no label that is
  likelier than all others together.
* Nor is another reviewer asked once `max_overlap` have skipped the task. The leading label is the
  consensus if `overlap` reviewers have voted; an adjudicator decides otherwise.

The order of the votes never matters. Reviewers alone vote: no prediction of a model enters here,
so that evidence stays independent of what it judges.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from services.review_queue.consensus.reliability import Reliability, Vote

# Votes by which a label must lead the next one.
LEAD = 2


@dataclass(frozen=True)
class Resolved:
    """The votes yield a label.

    Attributes
    ----------
    label
        The task's label.
    source
        `human`: one reviewer's verdict as it is; `consensus`: that of several.
    posterior : in [0, 1], or None
        The label's tempered posterior, where that decided.
    """

    label: str
    source: Literal["human", "consensus"]
    posterior: float | None = None


@dataclass(frozen=True)
class AskOneMore:
    """One more reviewer should be asked, one who has not voted yet."""


@dataclass(frozen=True)
class Adjudicate:
    """It is a tie, or too few have voted, and no more may be asked: an adjudicator decides."""


NextStep = Resolved | AskOneMore | Adjudicate


def next_step(
    votes: Iterable[Vote],
    *,
    overlap: int,
    max_overlap: int,
    may_ask: bool = True,
    known: Reliability | None = None,
    sure: float = 0.99,
) -> NextStep:
    """Decide about one task.

    Parameters
    ----------
    votes
        Pairs of reviewer and label that stand: no skips, no withdrawn verdicts, in any order.
    overlap, max_overlap : 1 <= overlap <= max_overlap
        How many distinct reviewers the task needs, and how many it may have.
    may_ask
        False once too many reviewers have skipped the task.
    known
        What is known of the project's reviewers; None for nothing.
    sure : in (0.5, 1]
        Tempered posterior from which on a label is the consensus.

    Raises
    ------
    ValueError
        A reviewer who votes twice, or settings out of range.
    """
    given = _checked(votes, overlap, max_overlap, sure)
    if len(given) < overlap:
        return AskOneMore() if may_ask else Adjudicate()
    if len(given) == 1:
        return Resolved(given[0][1], "human")
    exhausted = not may_ask or len(given) >= max_overlap
    posterior = known.posterior(given) if known is not None and overlap > 1 else None
    if posterior is not None:
        return _by_posterior(posterior, sure, exhausted=exhausted)
    return _by_lead(given, min(LEAD, overlap), exhausted=exhausted)


def _checked(votes: Iterable[Vote], overlap: int, max_overlap: int, sure: float) -> list[Vote]:
    if not (1 <= overlap <= max_overlap and 0.5 < sure <= 1):
        raise ValueError("1 <= overlap <= max_overlap, and sure lies above 0.5")
    given = sorted(votes)
    if len({reviewer for reviewer, _ in given}) < len(given):
        raise ValueError("a reviewer votes once on a task")
    return given


def _by_posterior(posterior: dict[str, float], sure: float, *, exhausted: bool) -> NextStep:
    label = max(posterior, key=posterior.__getitem__)
    if posterior[label] >= sure or (exhausted and posterior[label] > 0.5):
        return Resolved(label, "consensus", posterior[label])
    return Adjudicate() if exhausted else AskOneMore()


def _by_lead(votes: list[Vote], lead: int, *, exhausted: bool) -> NextStep:
    ranked = Counter(label for _, label in votes).most_common(2)
    label, most = ranked[0]
    ahead = most - (ranked[1][1] if len(ranked) > 1 else 0)
    if ahead >= lead or (exhausted and ahead > 0):
        return Resolved(label, "consensus")
    return Adjudicate() if exhausted else AskOneMore()
