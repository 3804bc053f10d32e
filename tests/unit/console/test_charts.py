"""Specifications that Vega-Lite draws in both themes, with their tables."""

from datetime import UTC, datetime
from typing import Any

import pytest
import vl_convert

from services.console.charts.accuracy import accuracy_chart
from services.console.charts.agreement import agreement_chart
from services.console.charts.audited_error import audited_error_chart
from services.console.charts.confidences import confidences_chart
from services.console.charts.confusion import confusion_chart
from services.console.charts.decisions import decisions_chart
from services.console.charts.drift import stream_chart
from services.console.charts.figure import Figure
from services.console.charts.flow import ages_chart, flow_chart
from services.console.charts.learning import learning_chart
from services.console.charts.reliability import reliability_chart
from services.console.charts.reviewers import gold_chart, label_mix_chart
from services.console.charts.selection import selection_chart
from services.console.charts.slice_changes import slice_changes_chart
from services.console.charts.sparkline import sparkline
from services.console.charts.states import states_chart
from services.console.charts.themes import THEMES

RELIABILITY: dict[str, Any] = {
    "version": "v2",
    "labels": 200,
    "accuracy": 0.9,
    "mean_confidence": 0.88,
    "calibration_error": 0.02,
    "note": "counted from all labels",
    "bins": [
        {"labels": 100, "lowest": 0.5, "highest": 0.8, "confidence": 0.7, "accuracy": 0.82}
        | {"lower": 0.73, "upper": 0.89},
        {"labels": 100, "lowest": 0.8, "highest": 1.0, "confidence": 0.95, "accuracy": 0.98}
        | {"lower": 0.93, "upper": 1.0},
    ],
    "risk_coverage": [
        {"threshold": 0.5, "coverage": 1.0, "accepted": 200, "errors": 20, "risk": 0.1}
        | {"lower": 0.06, "upper": 0.15},
        {"threshold": 0.9, "coverage": 0.5, "accepted": 100, "errors": 2, "risk": 0.02}
        | {"lower": 0.0, "upper": 0.07},
        {"threshold": 1.0, "coverage": 0.0, "accepted": 0, "errors": 0, "risk": 0.0}
        | {"lower": 0.0, "upper": 1.0},
    ],
}
DAYS = [
    {"day": f"2026-11-{day}", "version": "v2", "audited": 20, "reviewed": 10, "errors": day % 2}
    for day in range(10, 20)
]
DECISIONS = [
    {"day": "2026-11-10", "reason": reason, "decisions": 3}
    for reason in ("confident", "below_threshold", "a_later_reason")
]

BINS = [{"lowest": at / 10, "highest": (at + 1) / 10, "decisions": at * at} for at in range(10)]
CELLS = [("a", "a", 9), ("a", "b", 1), ("b", "b", 5)]
CONFUSION: dict[str, Any] = {
    "version": "v2",
    "labels": ["a", "b", "unused"],
    "items": 15,
    "cells": [dict(zip(("label", "predicted", "items"), one, strict=True)) for one in CELLS],
    "note": None,
}
PAIRS = [
    {"first": "anna", "second": "ben", "tasks": 20, "agreement": 0.9},
    {"first": "anna", "second": "carla", "tasks": 10, "agreement": 0.5},
    {"first": "ben", "second": "carla", "tasks": 0, "agreement": None},
]
REVIEWERS: list[dict[str, Any]] = [
    {"reviewer": "anna", "labels": {"a": 70, "b": 30}, "gold": None},
    {"reviewer": "ben", "labels": {"a": 20, "b": 80}}
    | {"gold": {"tasks": 10, "accuracy": 0.9, "low": 0.6, "high": 0.98}},
    {"reviewer": "new", "labels": {}, "gold": None},
]
SERIES: dict[str, Any] = {
    "step_seconds": 3600,
    "buckets": [
        {"since": "2026-11-10T10:00:00Z", "arrived": 3, "answers": 0},
        {"since": "2026-11-10T11:00:00Z", "arrived": 0, "answers": 0},
        {"since": "2026-11-10T12:00:00Z", "arrived": 1, "answers": 2},
    ],
    "complete": True,
}
AGES: dict[str, Any] = {
    "buckets": [
        {"from_seconds": 0, "to_seconds": 900, "waiting": 4},
        {"from_seconds": 900, "to_seconds": 3600, "waiting": 1},
        {"from_seconds": 3600, "to_seconds": None, "waiting": 0},
    ],
    "complete": True,
}
STREAM = {"name": "length:text", "words": "length of text", "mean_before": 90.0}
DRIFT: dict[str, Any] = {
    "changed": "length:text",
    "began_at": "2026-11-12T10:00:00Z",
    "recent_items": 500,
    "streams": [{**STREAM, "mean_recent": 140.0}],
    "history": [
        {
            "at": f"2026-11-{day}T10:00:00Z",
            "statistic": 10.0**day,
            "means": {"length:text": 9 * day},
        }
        for day in range(10, 15)
    ],
}
POINTS: list[dict[str, Any]] = [
    {
        "version": f"v{number}",
        "labels": 100 * number,
        "measured": 40,
        "is_uniform": number > 1,
        "accuracy": 0.8 + 0.05 * number,
        "interval": [0.7, 0.95],
        "coverage": 0.4,
        "kappa": None if number == 1 else 0.9,
    }
    for number in (1, 2)
]
CONTROL: dict[str, Any] = {
    "verdict": "open",
    "words": "no difference is shown: 82.0% against 83.0% with 84 labels each",
    "version": "v2",
    "labels": 84,
    "measured": 105,
    "chosen_accuracy": 0.82,
    "random_accuracy": 0.83,
    "difference": -0.01,
    "interval": [-0.06, 0.04],
}
FEW = {"verdict": "too_few", "words": "not enough labels yet", "interval": None}
CURVE = {"points": [{**POINTS[0], "control": FEW}, {**POINTS[1], "control": CONTROL}]}
SLICE = {"words": "all items", "items": 300, "before": 0.2, "before_interval": [0.1, 0.3]}
SLICE_CHANGES: dict[str, Any] = {
    "version": "v2",
    "parent": "v1",
    "sentence": "On 300 items v1 was wrong in 20.0%, and v2 in 10.0%.",
    "changes": [{**SLICE, "after": 0.1, "after_interval": [0.05, 0.2]}],
}
NOW = datetime(2026, 11, 20, tzinfo=UTC)
CHANGES = [
    {"at": f"2026-11-{day}T10:00:00Z", "version": version, "to": state}
    for day, version, state in (
        (10, "v1", "certified"),
        (12, "v1", "suspended"),
        (13, None, "suspended"),
        (14, "v2", "certified"),
    )
]


def figures() -> list[Figure | None]:
    return [
        accuracy_chart(RELIABILITY, 0.9, 0.9),
        audited_error_chart(DAYS, 0.9),
        confidences_chart(BINS, 0.9, "Of 30 days."),
        decisions_chart(DECISIONS, "Days are UTC."),
        reliability_chart(RELIABILITY),
        confusion_chart(CONFUSION),
        agreement_chart(PAIRS),
        gold_chart(REVIEWERS),
        label_mix_chart(REVIEWERS),
        flow_chart(SERIES, "the last 24 hours"),
        ages_chart(AGES),
        states_chart(CHANGES, NOW),
        stream_chart(DRIFT, DRIFT["streams"][0]),
        learning_chart(POINTS, 0.9),
        selection_chart(CURVE),
        slice_changes_chart(SLICE_CHANGES),
    ]


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.thorough)])
def test_each_chart_is_drawn_and_has_a_summary_and_a_table(theme: str) -> None:
    for figure in figures():
        assert figure is not None
        spec = figure.spec | {"width": 500}
        drawn = vl_convert.vegalite_to_svg(spec, config=THEMES[theme], vl_version="6.4")
        assert drawn.startswith("<svg")
        assert f'height="{spec["height"]}"' in drawn.split(">", 1)[0], (
            "the room that is kept for it"
        )
        assert figure.summary.endswith(".") or figure.name == "reliability"
        assert {len(row) for row in figure.rows} == {len(figure.columns)}


def test_specifications_have_no_colours_of_their_own() -> None:
    assert [figure.name for figure in figures() if figure and "#" in figure.json] == []


def test_without_data_there_is_no_chart() -> None:
    empty = {**RELIABILITY, "bins": [], "risk_coverage": []}
    unreviewed = [{**DAYS[0], "reviewed": 0, "errors": 0}]
    assert accuracy_chart(empty, 0.9, None) is None
    assert reliability_chart(empty) is None
    assert audited_error_chart(unreviewed, 0.9) is None
    assert confidences_chart([], 0.9) is None
    assert decisions_chart([]) is None
    assert confusion_chart({**CONFUSION, "cells": []}) is None
    assert agreement_chart(PAIRS[2:]) is None
    assert gold_chart(REVIEWERS[:1]) is None
    assert label_mix_chart(REVIEWERS[2:]) is None
    assert flow_chart({**SERIES, "buckets": SERIES["buckets"][1:2]}, "a day") is None
    assert ages_chart({**AGES, "buckets": AGES["buckets"][2:]}) is None
    assert states_chart([CHANGES[2]], NOW) is None
    assert stream_chart({**DRIFT, "history": []}, DRIFT["streams"][0]) is None
    assert selection_chart({"points": POINTS, "control": FEW}) is None
    assert selection_chart({"points": []}) is None
    assert learning_chart([{**POINTS[0], "accuracy": None}], 0.9) is None
    assert slice_changes_chart({**SLICE_CHANGES, "changes": []}) is None
    assert sparkline([], NOW.date()) is None


def test_a_summary_says_the_figures_that_the_chart_shows() -> None:
    audited = audited_error_chart(DAYS, 0.9)
    assert audited is not None
    assert "5 answers of 100 reviewed audits, 5.0 %" in audited.summary
    confident = decisions_chart(DECISIONS)
    assert confident is not None
    assert confident.summary == "9 decisions: 33 % answered by the model."


def test_summaries_name_what_to_look_at() -> None:
    said = {figure.name: figure.summary for figure in figures() if figure is not None}
    assert "gives another label to 1. Most often a becomes b: 1 time, 10 %" in said["confusion-v2"]
    assert "Least agree anna and carla: 50 % of 10 tasks" in said["agreement"]
    assert "Least often right: ben, 90 % of 10 items" in said["gold"]
    assert "ben gives b in 80 % of the answers, the colleagues in 30 %" in said["label-mix"]
    assert said["flow"] == "In the last 24 hours 4 tasks came and 2 answers were given."
    assert said["ages"].endswith("The oldest 1 have waited 15 min to 1 hour.")
    assert said["drift-length-text"] == (
        "The mean length of text was 90, and is 140 since the change, which began about "
        "2026-11-12 10:00 UTC."
    )
    assert said["states"] == "v2 is certified since 2026-11-14 10:00 UTC."


def test_many_labels_are_cut_to_those_that_are_confused_most() -> None:
    labels = [f"label-{at}" for at in range(40)]
    cells = [{"label": one, "predicted": one, "items": 5} for one in labels]
    cells.append({"label": "label-30", "predicted": "label-7", "items": 3})
    figure = confusion_chart({**CONFUSION, "labels": labels, "items": 203, "cells": cells})
    assert figure is not None
    assert '"label-30"' in figure.json
    assert '"label-39"' not in figure.json
    assert "12 of 40 labels" in figure.summary
    assert len(figure.rows) == 41


def test_a_sparkline_leaves_gaps_and_says_its_figures() -> None:
    days = [
        {"day": "2026-11-10", "decisions": 10, "answered": 5},
        {"day": "2026-11-11", "decisions": 10, "answered": 8},
        {"day": "2026-11-13", "decisions": 4, "answered": 4},
        {"day": "2026-11-20", "decisions": 10, "answered": 7},
        {"day": "2025-01-01", "decisions": 10, "answered": 0},
    ]
    line = sparkline(days, NOW.date())
    assert line is not None
    assert (len(line.lines), len(line.dots)) == (1, 2)
    assert line.words.endswith("50 % at first, 70 % at last, between 50 % and 100 %")


def test_tables_of_many_labels_have_the_rows_that_differ_most() -> None:
    labels = [f"label-{number}" for number in range(40)]
    mixes = [dict.fromkeys(labels, 1 + number % 3) for number in range(20)]
    mixes[7]["label-3"] = 500
    reviewers: list[dict[str, Any]] = [
        {"reviewer": f"r{number:02}", "labels": mix} for number, mix in enumerate(mixes)
    ]
    mix = label_mix_chart(reviewers)
    assert mix is not None
    assert len(mix.rows) == 200
    assert ("r07", "label-3") in {row[:2] for row in mix.rows}
    assert "The table has the 200 largest differences." in mix.summary
    cells = [
        {"label": one, "predicted": other, "items": 1 + index}
        for index, (one, other) in enumerate((one, other) for one in labels for other in labels)
    ]
    confusion = confusion_chart({"version": "v1", "labels": labels, "items": 9, "cells": cells})
    assert confusion is not None
    assert len(confusion.rows) == 200
    assert ("label-39", "label-38") in {row[:2] for row in confusion.rows}


def test_the_control_arm_is_told_with_its_sign_and_its_interval() -> None:
    figure = selection_chart(CURVE)
    assert figure is not None
    assert "a difference of -1.0 points, 95 % interval -6.0 to +4.0" in figure.summary
    assert [(row[0], row[-1]) for row in figure.rows] == [("v2", "neither")]
    # A trainer of the release before has it of the newest version alone.
    before = selection_chart({"points": POINTS, "control": CONTROL})
    assert before is not None
    assert before.rows == figure.rows
