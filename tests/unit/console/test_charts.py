"""Specifications that Vega-Lite draws in both themes, with their tables."""

from typing import Any

import pytest
import vl_convert

from services.console.charts.accuracy import accuracy_chart
from services.console.charts.audited_error import audited_error_chart
from services.console.charts.confidences import confidences_chart
from services.console.charts.decisions import decisions_chart
from services.console.charts.figure import Figure
from services.console.charts.reliability import reliability_chart
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


def figures() -> list[Figure | None]:
    return [
        accuracy_chart(RELIABILITY, 0.9, 0.9),
        audited_error_chart(DAYS, 0.9),
        confidences_chart(BINS, 0.9, "Of 30 days."),
        decisions_chart(DECISIONS, "Days are UTC."),
        reliability_chart(RELIABILITY),
    ]


@pytest.mark.parametrize("theme", THEMES)
def test_each_chart_is_drawn_and_has_a_summary_and_a_table(theme: str) -> None:
    for figure in figures():
        assert figure is not None
        spec = figure.spec | {"width": 500}
        drawn = vl_convert.vegalite_to_svg(spec, config=THEMES[theme], vl_version="6.4")
        assert drawn.startswith("<svg")
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


def test_a_summary_says_the_figures_that_the_chart_shows() -> None:
    audited = audited_error_chart(DAYS, 0.9)
    assert audited is not None
    assert "5 answers of 100 reviewed audits, 5.0 %" in audited.summary
    confident = decisions_chart(DECISIONS)
    assert confident is not None
    assert confident.summary == "9 decisions: 33 % answered by the model."
