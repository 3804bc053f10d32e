"""When a task's votes yield its label, and when one more is asked."""

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.science.crowds import Crowd
from services.review_queue.consensus.dawid_skene import DawidSkene
from services.review_queue.consensus.overlap import (
    Adjudicate,
    AskOneMore,
    NextStep,
    Resolved,
    next_step,
)
from services.review_queue.consensus.reliability import Reliability, Vote, learn
from services.review_queue.consensus.votes import HONEST

LABELS = ("a", "b", "c")
# Four good reviewers, and two whose vote is worth little.
ACCURACY = np.array([0.95, 0.95, 0.95, 0.95, 0.4, 0.4])


@cache
def crowd_knowledge() -> Reliability:
    votes, truth = Crowd(ACCURACY, len(LABELS)).vote(400, 3, np.random.default_rng(1))
    rows = zip(votes.tasks, votes.reviewers, votes.labels, strict=True)
    gold = {str(task): LABELS[truth[task]] for task in range(100)}
    named = [(str(task), f"r{reviewer}", LABELS[label]) for task, reviewer, label in rows]
    return learn(named, gold, LABELS, max_overlap=5)


def ballots(given: str) -> list[Vote]:
    """Votes of good reviewers, one a letter."""
    return [(f"r{number}", label) for number, label in enumerate(given)]


cast = st.lists(
    st.tuples(st.sampled_from(["r0", "r1", "r2", "r3", "r4", "r5", "stranger"]),
              st.sampled_from(["a", "b", "c", "gone"])),
    max_size=7,
    unique_by=lambda vote: vote[0],
)  # fmt: skip
overlaps = st.tuples(st.integers(1, 5), st.integers(0, 3)).map(lambda s: (s[0], sum(s)))
knowledge = st.sampled_from([False, True])


@pytest.mark.parametrize("max_overlap", [1, 5])
@pytest.mark.parametrize("known", [False, True])
def test_first_verdict_is_the_label_at_overlap_one(max_overlap: int, known: bool) -> None:
    about = crowd_knowledge() if known else None
    step = next_step([("r5", "b")], overlap=1, max_overlap=max_overlap, known=about)
    assert step == Resolved("b", "human")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", AskOneMore()),
        ("a", AskOneMore()),
        ("aa", Resolved("a", "consensus")),
        ("ab", AskOneMore()),
        ("aba", AskOneMore()),
        ("abc", AskOneMore()),
        ("abaa", Resolved("a", "consensus")),
        ("abab", AskOneMore()),
        ("ababa", Resolved("a", "consensus")),
        ("ababc", Adjudicate()),
        ("abcc", AskOneMore()),
        ("abccb", Adjudicate()),
        ("abccc", Resolved("c", "consensus")),
        ("abababa", Resolved("a", "consensus")),
        ("ababab", Adjudicate()),
    ],
)
def test_lead_of_two_votes_resolves(given: str, expected: NextStep) -> None:
    assert next_step(ballots(given), overlap=2, max_overlap=5) == expected


def test_overlap_is_asked_for_in_full_before_a_lead_counts() -> None:
    assert next_step(ballots("aa"), overlap=3, max_overlap=5) == AskOneMore()
    known = crowd_knowledge()
    assert next_step(ballots("aa"), overlap=3, max_overlap=5, known=known) == AskOneMore()


@pytest.mark.parametrize(
    ("given", "expected"),
    [("a", Adjudicate()), ("ab", Adjudicate()), ("aba", Resolved("a", "consensus"))],
)
def test_where_nobody_may_be_asked_the_leader_decides(given: str, expected: NextStep) -> None:
    assert next_step(ballots(given), overlap=2, max_overlap=5, may_ask=False) == expected


def test_overlap_lowered_after_the_votes_were_cast_still_needs_a_leader() -> None:
    assert next_step(ballots("ab"), overlap=1, max_overlap=5) == AskOneMore()
    assert next_step(ballots("aba"), overlap=1, max_overlap=5) == Resolved("a", "consensus")


def test_bad_reviewer_does_not_stop_good_ones_who_are_known() -> None:
    votes = [("r0", "a"), ("r4", "b"), ("r1", "a")]
    assert next_step(votes, overlap=2, max_overlap=5) == AskOneMore()
    step = next_step(votes, overlap=2, max_overlap=5, known=crowd_knowledge())
    assert isinstance(step, Resolved)
    assert step.label == "a"
    assert step.posterior is not None
    assert step.posterior >= 0.99


def test_two_bad_reviewers_who_agree_are_not_enough_once_they_are_known() -> None:
    votes = [("r4", "b"), ("r5", "b")]
    assert next_step(votes, overlap=2, max_overlap=5) == Resolved("b", "consensus")
    assert next_step(votes, overlap=2, max_overlap=5, known=crowd_knowledge()) == AskOneMore()


def test_good_reviewer_outweighs_a_bad_one_at_the_last_vote() -> None:
    votes = [("r0", "a"), ("r4", "b")]
    assert next_step(votes, overlap=2, max_overlap=2) == Adjudicate()
    step = next_step(votes, overlap=2, max_overlap=2, known=crowd_knowledge())
    assert isinstance(step, Resolved)
    assert step.label == "a"


def test_equally_good_reviewers_who_disagree_to_the_end_are_adjudicated() -> None:
    honest = np.log(HONEST.of_votes(3) / HONEST.of_votes(3).sum(axis=1))
    twins = DawidSkene(np.log(np.full(3, 1 / 3)), np.stack([honest] * 6, axis=1))
    votes = [("r0", "a"), ("r1", "b"), ("r2", "c")]
    alike = replace(crowd_knowledge(), model=twins)
    assert max((alike.posterior(votes) or {}).values()) < 0.5
    assert next_step(votes, overlap=2, max_overlap=3, known=alike) == Adjudicate()
    assert next_step(votes, overlap=2, max_overlap=4, known=alike) == AskOneMore()


@pytest.mark.parametrize("unknown", [("stranger", "a"), ("r2", "gone")])
def test_lead_rule_stands_in_where_the_model_cannot_speak(unknown: Vote) -> None:
    votes = [("r4", "b"), ("r5", "b"), unknown]
    known = crowd_knowledge()
    assert known.posterior(votes) is None
    assert next_step(votes, overlap=2, max_overlap=5, known=known) == AskOneMore()
    assert next_step(votes, overlap=2, max_overlap=3, known=known) == Resolved("b", "consensus")


@given(cast, overlaps, knowledge, st.randoms(use_true_random=False))
def test_order_of_the_votes_does_not_matter(
    votes: list[Vote], settings: tuple[int, int], known: bool, random: object
) -> None:
    overlap, max_overlap = settings
    about = crowd_knowledge() if known else None
    shuffled = votes.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert next_step(votes, overlap=overlap, max_overlap=max_overlap, known=about) == next_step(
        shuffled, overlap=overlap, max_overlap=max_overlap, known=about
    )


def test_every_order_gives_the_same_posterior_to_the_last_bit() -> None:
    votes = [("r0", "a"), ("r1", "b"), ("r2", "a"), ("r3", "c"), ("r4", "a")]
    found = {
        tuple((crowd_knowledge().posterior(order) or {}).values()) for order in permutations(votes)
    }
    assert len(found) == 1


@given(cast, overlaps, knowledge)
def test_asks_for_overlap_and_never_beyond_max_overlap(
    votes: list[Vote], settings: tuple[int, int], known: bool
) -> None:
    overlap, max_overlap = settings
    about = crowd_knowledge() if known else None
    step = next_step(votes, overlap=overlap, max_overlap=max_overlap, known=about)
    if len(votes) < overlap:
        assert step == AskOneMore()
    elif len(votes) >= max_overlap:
        assert not isinstance(step, AskOneMore)
    else:
        assert not isinstance(step, Adjudicate)


@given(cast, overlaps, knowledge)
def test_label_is_one_that_somebody_gave_or_the_model_knows_to_be_likelier(
    votes: list[Vote], settings: tuple[int, int], known: bool
) -> None:
    overlap, max_overlap = settings
    about = crowd_knowledge() if known else None
    step = next_step(votes, overlap=overlap, max_overlap=max_overlap, known=about)
    if isinstance(step, Resolved):
        assert step.source == ("human" if len(votes) == 1 else "consensus")
        if step.posterior is None:
            tally = Counter(label for _, label in votes)
            assert all(tally[step.label] > n for label, n in tally.items() if label != step.label)
        else:
            assert step.posterior > 0.5


@given(cast.filter(lambda votes: len(votes) >= 2))
def test_unanimous_votes_resolve_without_knowledge(votes: list[Vote]) -> None:
    agreed = [(reviewer, "b") for reviewer, _ in votes]
    step = next_step(agreed, overlap=2, max_overlap=5)
    assert step == Resolved("b", "consensus")


def test_reviewer_who_votes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="votes once"):
        next_step([("r0", "a"), ("r0", "a")], overlap=2, max_overlap=5)


@pytest.mark.parametrize(
    ("overlap", "max_overlap", "sure"), [(0, 5, 0.9), (3, 2, 0.9), (1, 1, 0.5)]
)
def test_impossible_settings_are_refused(overlap: int, max_overlap: int, sure: float) -> None:
    with pytest.raises(ValueError, match="max_overlap"):
        next_step([], overlap=overlap, max_overlap=max_overlap, sure=sure)
