"""What may become of a task: the rules alone, without a database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.lifecycle.lanes import AVAILABLE_AT_ONCE, RESERVED_TURN
from services.review_queue.lifecycle.presenting import Action, PresentedLease
from services.review_queue.lifecycle.problems import LeaseExpired
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.states import (
    Answer,
    History,
    Lease,
    Outcome,
    Task,
    state_of,
)
from shared.auth import Principal
from shared.contracts.projects import Project
from shared.contracts.review_settings import ReviewSettings
from shared.contracts.tasks import LeaseProgress, SkipBody, VerdictBody
from shared.problems import Conflict
from tests.unit.review_queue.exchange.projects import project_of

NOW = datetime(2040, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def project(**review: Any) -> Project:
    return project_of().model_copy(update={"review": ReviewSettings(**review)})


def task(**changes: Any) -> Task:
    columns: dict[str, Any] = {
        "task_id": "t", "project": "shop", "item_id": "i", "data_digest": "d",
        "lane": "mandatory", "adjudication": False, "state": "leased", "turn": 7,
        "available_at": LATER, "reserved_for": None, "holder": "r1", "lease_number": 1,
        "due_at": LATER, "created_at": NOW, "skips": 0, "revision": 0, "label": None,
        "source": None, "resolved_at": None, "trace": None, "erased_at": None,
        "second_opinion": False, "confidence": None,
    }  # fmt: skip
    return Task(**columns | changes)


def lease(**changes: Any) -> Lease:
    columns: dict[str, Any] = {
        "token": "k", "task_id": "t", "number": 1, "reviewer": "r1", "expires_at": LATER,
        "suggestion_shown": False, "instructions_revision": 3,
    }  # fmt: skip
    return Lease(**columns | changes)


def vote(reviewer: str, label: str | None, **changes: Any) -> Answer:
    return Answer(hash(reviewer), "t", reviewer, label, True, reviewer, **changes)


def use(
    action: Action,
    *,
    of: Task | None = None,
    held: Lease | None = None,
    history: History | None = None,
    **review: Any,
) -> tuple[LeaseProgress, Change]:
    change = Change(of or task(), NOW)
    who = Principal("r1", "reviewer", None, 0.0, "k")
    held = held or lease()
    presented = PresentedLease(
        change, held, project(**review), action, who, history or History(), lasts=LATER - NOW
    )
    answer = presented.use()
    assert isinstance(answer, LeaseProgress)
    return answer, change


def kinds(change: Change) -> list[str]:
    return [event["kind"] for event in change.events]


def test_one_opinion_resolves_where_one_is_enough() -> None:
    answer, change = use(VerdictBody(label="positive"))
    assert (answer.state, answer.outcome and answer.outcome.label) == ("resolved", "positive")
    assert kinds(change) == ["verdict", "resolved"]
    assert change.outcome == Outcome("t", 1, "positive", 1, True, 3, NOW)
    assert (change.task.turn, change.task.holder, change.bells) == (None, None, {"outcomes"})
    assert [one.ending for one in change.leases] == ["verdict"]


def test_a_tie_of_all_that_may_be_asked_is_an_adjudicators() -> None:
    history = History(answers=[vote("r2", "negative")])
    answer, change = use(VerdictBody(label="positive"), history=history, overlap=2, max_overlap=2)
    assert (answer.state, answer.outcome) == ("open", None)
    assert change.task.adjudication
    assert change.task.turn is None
    assert kinds(change) == ["verdict", "disputed"]


def test_a_vote_for_a_label_that_is_gone_is_withdrawn_and_told_first() -> None:
    gone = vote("r2", "other")
    answer, change = use(VerdictBody(label="positive"), history=History(answers=[gone]), overlap=2)
    assert answer.state == "open"
    assert change.withdrawn == [gone.verdict_id]
    assert kinds(change) == ["undone", "verdict"]


@pytest.mark.parametrize("to", ["me", "others"])
def test_what_a_reviewer_puts_off_keeps_its_turn(to: Any) -> None:
    _, change = use(SkipBody(to=to), max_overlap=3)
    assert change.task.turn not in (None, RESERVED_TURN)
    assert (change.task.reserved_for, change.task.skips) == (("r1", 0) if to == "me" else (None, 1))


def test_what_is_given_back_is_at_the_head_for_its_reviewer_and_claimable_at_once() -> None:
    _, change = use("release")
    assert (change.task.turn, change.task.reserved_for) == (RESERVED_TURN, "r1")
    assert change.task.available_at == AVAILABLE_AT_ONCE


def test_the_last_skip_resolves_without_a_label() -> None:
    answer, change = use(SkipBody(), of=task(skips=1), max_overlap=2)
    assert answer.state == "resolved"
    assert change.outcome is not None
    assert (change.outcome.label, change.outcome.verdicts) == (None, 2)


def test_undo_reopens_for_the_same_reviewer() -> None:
    _, given = use(VerdictBody(label="positive"))
    (ended,) = given.leases
    answers = [vote("r1", "positive")]
    answers[0].token = ended.token
    history = History([ended], answers, {1: given.outcome} if given.outcome else {})
    answer, change = use("undo", of=given.task, held=ended, history=history)
    assert answer.outcome is not None
    assert (answer.state, answer.outcome.label, answer.outcome.revision) == ("open", None, 2)
    assert (change.task.reserved_for, change.task.turn) == ("r1", RESERVED_TURN)
    assert not history.standing


def test_a_label_that_was_taken_back_leaves_no_blind_outcome() -> None:
    history = History(
        [lease(token="r2", reviewer="r2", ending="undo")],
        [vote("r2", "negative", withdrawn_at=NOW), vote("r3", "positive")],
    )
    _, change = use(
        VerdictBody(label="positive"), held=lease(number=2), of=task(lease_number=2),
        history=history, overlap=2,
    )  # fmt: skip
    assert change.outcome is not None
    assert (change.outcome.verdicts, change.outcome.blind) == (2, False)


def test_an_ended_lease_is_told_what_became_of_its_task() -> None:
    resolved = task(state="resolved", revision=1)
    history = History(outcomes={1: Outcome("t", 1, "negative", 1, True, 1, NOW)})
    with pytest.raises(LeaseExpired) as caught:
        use(VerdictBody(label="positive"), of=resolved, held=lease(ending="superseded"),
            history=history)  # fmt: skip
    assert caught.value.extensions["outcome"] == {"label": "negative", "revision": 1}


@given(
    st.lists(
        st.sampled_from(
            [VerdictBody(label="positive"), SkipBody(), SkipBody(to="me"), "release", "undo"]
        ),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 3),
)
def test_whatever_is_done_a_task_is_claimable_resolved_or_disputed(
    actions: list[Action], overlap: int
) -> None:
    at, history, number = task(), History(), 1
    for action in actions:
        held = lease(number=number, token=str(number))
        history.leases.append(held)
        try:
            _, change = use(action, of=at, held=held, history=history, overlap=overlap)
        except Conflict:
            continue
        if change.outcome is not None:
            history.outcomes[change.outcome.revision] = change.outcome
        assert (at.turn is None) == (at.state == "resolved" or at.adjudication)
        assert at.revision == len(history.outcomes)
        if at.turn is None:
            return
        number += 1
        at.state, at.lease_number = "leased", number


def test_an_expired_lease_opens_its_task() -> None:
    change, held = Change(task(available_at=NOW), NOW), lease(expires_at=NOW)
    assert state_of(change.task, NOW) == "open"
    change.expire(held)
    assert (change.task.state, held.ending, kinds(change)) == ("open", "expiry", ["expired"])


def test_an_expired_optional_task_that_is_wanted_again_does_not_expire_once_more() -> None:
    change = Change(task(lane="optional", due_at=NOW, state="resolved", revision=1), NOW)
    change.reopen(History())
    assert (change.task.due_at, change.task.state) == (None, "open")


def test_what_an_outcome_rests_on_stays_when_its_item_is_erased() -> None:
    change = Change(task(state="resolved", revision=1, label="positive"), NOW)
    change.close_erased(History(outcomes={1: Outcome("t", 1, "positive", 2, True, 5, NOW)}))
    assert change.outcome == Outcome("t", 2, "positive", 2, True, 5, NOW)
