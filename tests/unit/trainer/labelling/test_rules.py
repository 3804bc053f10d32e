"""When training may begin, and when further labels are no longer asked for."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from services.trainer.labelling.messages import CurvePoint
from services.trainer.labelling.stopping import advice, answerable, kappa
from services.trainer.readiness.checks import missing_of
from shared.contracts.human_error import HumanError


def point(number: int, **changes: Any) -> CurvePoint:
    """A version's point, of 100 labels for each version before it."""
    return CurvePoint.model_validate(
        {
            "version": f"v{number}",
            "created_at": datetime.now(UTC),
            "labels": 100 * number,
            "measured": 50,
            "is_uniform": True,
            "control": None,
            "accuracy": 0.9,
            "interval": [0.8, 0.95],
            "coverage": 0.1 * number,
            "arms": {},
            "kappa": 0.9,
            "stop_items": 500,
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("counts", "errors", "wanted"),
    [
        ({}, HumanError(), ["labels", "each_label"]),
        ({"a": 59, "b": 1}, HumanError(), ["each_label"]),
        ({"a": 301, "b": 1}, HumanError(), []),  # it is so rare that waiting would not help
        ({"a": 30, "b": 30}, HumanError(compared=19, disagreed=19), []),
        ({"a": 30, "b": 30}, HumanError(compared=40, disagreed=30), ["agreement"]),
        ({"a": 30, "b": 30}, HumanError(probes=20, misses=15), ["gold"]),
        ({"a": 30, "b": 30, "old": 99}, HumanError(probes=20, misses=1), []),
    ],
)
def test_what_the_first_labels_lack(
    counts: dict[str, int], errors: HumanError, wanted: list[str]
) -> None:
    assert [one.check for one in missing_of(counts, ["a", "b"], 60, errors)] == wanted


def test_advice_stops_only_on_three_stable_versions() -> None:
    stable = [point(n, kappa=0.995) for n in (1, 2, 3)]
    assert advice(stable).advice == "stop"
    assert advice(stable[:2]).advice == "go_on"
    assert advice([*stable, point(4, kappa=0.9)]).advice == "go_on"
    assert advice([point(1, kappa=None), *stable[1:]]).advice == "go_on"
    assert advice([]).advice == "go_on"


def test_advice_stops_where_labels_add_nothing_that_can_be_answered() -> None:
    flat = [point(n, coverage=0.6) for n in (1, 2, 3)]
    assert advice(flat).advice == "stop"
    assert advice(flat).coverage_per_100_labels == pytest.approx(0.0)
    assert advice([point(n) for n in (1, 2, 3)]).coverage_per_100_labels == pytest.approx(0.1)
    # Where nothing can be answered yet, little gain says nothing.
    assert advice([point(n, coverage=0.0) for n in (1, 2, 3)]).advice == "go_on"


def test_kappa_is_cohens() -> None:
    # Cohen, 1960: 20, 5, 10, 15 of 50 give 0.4.
    first = ["a"] * 25 + ["b"] * 25
    second = ["a"] * 20 + ["b"] * 5 + ["a"] * 10 + ["b"] * 15
    assert kappa(first, second) == pytest.approx(0.4)
    assert kappa(["a", None], ["a", "b"]) == 1.0
    assert kappa([None], ["a"]) is None


def test_answerable_counts_the_surest_items() -> None:
    scores, correct = np.linspace(1, 0, 100), np.arange(100) < 50
    assert answerable(scores.tolist(), correct.tolist(), 0.0) == 0.5
    assert answerable([], [], 0.1) == 0.0
    assert answerable([0.9], [False], 0.1) == 0.0
