"""Routing: what is answered is certified, and everything else goes to people."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.router.routing.draws import audit_draw
from shared.contracts.base import task_id_for
from shared.contracts.capacity import CapacitySettings, is_worth_review
from shared.contracts.decisions import Reason, ReviewMode
from shared.contracts.promise_status import PromiseStatus, as_float32
from shared.draws import Draw
from shared.routing.decisions import (
    Decision,
    Policy,
    answered_by_model,
    resolved_by_people,
    route,
)
from shared.routing.scores import FloatArray, scores_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LABELS = ("negative", "neutral", "positive")
CERTIFIED = PromiseStatus("certified", None, as_float32(0.9))

item_ids = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=30)
reviews = st.sampled_from(get_args(ReviewMode))
thresholds = st.floats(0, 1, width=32)
REFUSALS: list[Reason | None] = [None, "no_model", "uncertified", "promise_suspended"]


@st.composite
def rows(draw: st.DrawFn) -> FloatArray:
    """Softmax of three logits, as a graph gives it."""
    logits = np.array(draw(st.lists(st.floats(-20, 20), min_size=3, max_size=3)))
    exponents = np.exp(logits - logits.max())
    return np.asarray(exponents / exponents.sum(), dtype=np.float32)


def audits(rate: float) -> Draw:
    return audit_draw("s" * 32, "shop", "epoch", rate)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    refusal = draw(st.sampled_from(REFUSALS))
    threshold = draw(thresholds) if refusal is None else None
    return Policy(
        project="shop",
        labels=LABELS,
        status=PromiseStatus("certified" if refusal is None else "uncertified", refusal, threshold),
        audit=audits(draw(st.floats(0, 1))),
        review=draw(reviews),
    )


def policy(**changes: object) -> Policy:
    base = Policy("shop", LABELS, CERTIFIED, audits(0.0))
    return replace(base, **changes)  # type: ignore[arg-type]


def row(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float32)


def decide(item_id: str, probabilities: FloatArray | None, given_policy: Policy) -> Decision:
    """Route by one row of a graph's answer."""
    score = None if probabilities is None else scores_of(probabilities[None])[0]
    return route(item_id, score, given_policy)


@given(item_ids, st.none() | rows(), policies())
def test_label_is_set_exactly_when_answered(
    item_id: str, probabilities: FloatArray | None, given_policy: Policy
) -> None:
    decision = decide(item_id, probabilities, given_policy)
    assert (decision.label is not None) == (decision.decision == "answered")


@given(item_ids, rows(), policies())
def test_nothing_is_answered_below_the_threshold(
    item_id: str, probabilities: FloatArray, given_policy: Policy
) -> None:
    decision = decide(item_id, probabilities, given_policy)
    if decision.decision == "answered":
        threshold = given_policy.status.threshold
        assert threshold is not None
        assert probabilities.max() >= threshold
        assert given_policy.status.refusal is None


@given(item_ids, st.none() | rows(), policies())
def test_a_person_is_asked_exactly_when_there_is_a_task(
    item_id: str, probabilities: FloatArray | None, given_policy: Policy
) -> None:
    decision = decide(item_id, probabilities, given_policy)
    asked = decision.decision == "in_review" or decision.audited
    assert (decision.task_id == task_id_for("shop", item_id)) == asked
    assert (decision.lane is not None) == asked
    if decision.decision == "in_review":
        assert (decision.lane, decision.propensity) == ("mandatory", 1.0)
    if decision.decision == "declined":
        assert decision.propensity == 0.0


_PRICES = st.builds(
    CapacitySettings, price_review=st.floats(0, 10), price_error=st.none() | st.floats(0, 1000)
)


@given(item_ids, st.none() | rows(), policies(), _PRICES)
def test_only_an_answer_that_is_not_audited_may_wait_for_an_optional_review(
    item_id: str,
    probabilities: FloatArray | None,
    given_policy: Policy,
    capacity: CapacitySettings,
) -> None:
    before = decide(item_id, probabilities, given_policy)
    after = decide(item_id, probabilities, replace(given_policy, capacity=capacity))
    if after == before:
        return
    assert (before.decision, before.audited, given_policy.review) == ("answered", False, "auto")
    assert (after.decision, after.reason, after.lane) == (
        "in_review",
        "optional_review",
        "optional",
    )
    assert (after.label, after.suggestion) == (None, before.label)
    assert after.propensity == before.propensity
    assert answered_by_model(after).label == before.label
    assert probabilities is not None
    assert is_worth_review(float(probabilities.max()), capacity)


@given(item_ids, rows(), policies(), thresholds)
def test_a_lower_threshold_never_takes_an_answer_back(
    item_id: str, probabilities: FloatArray, given_policy: Policy, lower: float
) -> None:
    threshold = given_policy.status.threshold
    if threshold is None or lower > threshold:
        return
    relaxed = replace(given_policy, status=replace(given_policy.status, threshold=lower))
    if decide(item_id, probabilities, given_policy).decision == "answered":
        assert decide(item_id, probabilities, relaxed).decision == "answered"


@given(item_ids, st.none() | rows(), policies())
def test_same_item_has_the_same_fate(
    item_id: str, probabilities: FloatArray | None, given_policy: Policy
) -> None:
    assert decide(item_id, probabilities, given_policy) == decide(
        item_id, probabilities, given_policy
    )


@given(item_ids, st.none() | rows(), policies())
def test_review_mode_decides_between_people_and_declining(
    item_id: str, probabilities: FloatArray | None, given_policy: Policy
) -> None:
    always = decide(item_id, probabilities, replace(given_policy, review="always"))
    never = decide(item_id, probabilities, replace(given_policy, review="never"))
    assert (always.decision, always.reason) == ("in_review", "forced")
    assert never.decision in ("answered", "declined")


@given(item_ids, policies())
def test_audit_draw_ignores_the_review_mode_and_the_score(
    item_id: str, given_policy: Policy
) -> None:
    sure = replace(given_policy, status=CERTIFIED)
    auto = decide(item_id, row(0.95, 0.05, 0.0), replace(sure, review="auto"))
    never = decide(item_id, row(0.0, 0.01, 0.99), replace(sure, review="never"))
    assert auto.audited == never.audited


def test_confidence_is_compared_in_the_certified_dtype() -> None:
    exactly = np.float32(0.9)
    assert float(exactly) < 0.9
    decision = decide("a", np.array([0.0, 1 - exactly, exactly], dtype=np.float32), policy())
    assert (decision.decision, decision.label) == ("answered", "positive")
    below = np.nextafter(exactly, np.float32(0))
    decision = decide("a", np.array([0.0, 1 - below, below], dtype=np.float32), policy())
    assert (decision.decision, decision.reason) == ("in_review", "below_threshold")
    assert (decision.label, decision.suggestion) == (None, "positive")


@pytest.mark.parametrize(
    "broken",
    [
        row(np.nan, 0.5, 0.5),
        row(np.inf, 0.0, 0.0),
        row(0.5, 0.5, 0.5),
        row(1.5, -0.5, 0.0),
        row(0.0, 0.0, 0.0),
    ],
)
def test_scores_that_are_no_probabilities_answer_nothing(broken: FloatArray) -> None:
    assert scores_of(broken[None]) == [None]
    decision = decide("a", broken, policy())
    assert (decision.decision, decision.reason) == ("in_review", "model_invalid")
    assert decision.suggestion is None


def test_a_call_without_scores_keeps_the_reason_of_the_promise() -> None:
    decision = decide("a", None, policy(status=PromiseStatus("uncertified", "no_model")))
    assert (decision.decision, decision.reason) == ("in_review", "no_model")


def test_an_audited_answer_is_answered_and_asked() -> None:
    decision = decide("a", row(0.95, 0.05, 0.0), policy(audit=audits(1.0)))
    assert decision == Decision(
        "answered",
        "confident",
        label="negative",
        suggestion="negative",
        audited=True,
        propensity=1.0,
        task_id=task_id_for("shop", "a"),
        lane="audit",
    )


def test_peoples_label_answers_an_item_in_review() -> None:
    asked = decide("a", row(0.5, 0.3, 0.2), policy())
    answered = resolved_by_people(asked, "positive")
    assert (answered.decision, answered.reason, answered.label) == ("answered", "human", "positive")
    assert (answered.suggestion, answered.propensity) == ("negative", 1.0)


@given(
    st.lists(
        st.floats(-(2**-7), 1 + 2**-7, width=32) | st.just(float("nan")), min_size=2, max_size=8
    ),
    st.booleans(),
)
def test_few_labels_are_read_as_many_are(values: list[float], normalised: bool) -> None:
    few = np.array([values], dtype=np.float32)
    if normalised and few.sum() > 0.5:
        few /= few.sum()
    # The same row with labels that nothing speaks for is read the other way.
    many = np.concatenate([few, np.zeros((1, 9), dtype=np.float32)], axis=1)
    # At the tolerance itself the two sums may differ in the last digit.
    assume(not abs(abs(few.sum() - 1) - 0.001) <= 1e-5)
    (score,), (wide,) = scores_of(few), scores_of(many)
    if score is None or wide is None:
        assert score == wide
    else:
        assert (score.top, score.confidence) == (wide.top, wide.confidence)
        assert score.probabilities == wide.probabilities[: len(values)]
