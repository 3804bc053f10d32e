"""The page, its tables and its picture."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.page import PAGE, put_between
from bench.serving.measurement import Measurement
from bench.serving.own import split
from bench.serving.plot import Bar, bars
from bench.serving.processes import Cores
from bench.serving.report import busy_bars, serving_section, table
from bench.serving.results import BUSY, SINGLE, Results, Row, Swaps
from bench.serving.soak import Soak, Stretch, soak_section
from bench.serving.targets import Verdict

CELL = Measurement(8_000, 1, 4.0, 0, 1.234, 5.678)


def test_a_table_has_as_many_columns_in_every_line() -> None:
    assert table(["a", "b"], [["1", "x|y"]]) == "| a | b |\n| --- | --- |\n| 1 | x\\|y |"


def test_only_what_lies_between_the_markers_is_replaced() -> None:
    page = "before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter\n"
    once = put_between(page, "x", "new\n")
    assert once == "before\n<!-- x: begin -->\nnew\n<!-- x: end -->\nafter\n"
    assert put_between(once, "x", "new") == once
    with pytest.raises(ValueError, match="no markers"):
        put_between(page, "y", "new")


def test_the_page_has_room_for_every_part() -> None:
    page = Path(PAGE).read_text()
    for part in ("serving", "soak", "review-queue"):
        assert "NEW" in put_between(page, part, "NEW")


def test_the_section_tells_figures_and_what_is_missing() -> None:
    results = Results(swaps=Swaps(100, 0, 0.05, 9.0, 8.0))
    bare = results.rows["bare"] = Row("bare", "bare", rss_mib=[100.4], start_seconds=[0.21])
    bare.add((SINGLE, BUSY), replace(CELL, errors=3, load_cpu=0.9, server_cpu_ms=0.25))
    results.rows["ray"] = Row("ray", "Ray", left_out="pip could not install it")
    own = results.rows["own-mixed"] = Row("own-mixed", "half of each")
    own.add((SINGLE, BUSY), replace(CELL, marked=4_000))
    verdict = Verdict("fast", "0.95x", held=True)
    section = serving_section(results, [verdict], ["Machine: one"], "picture.svg")
    assert "- Machine: one" in section
    assert "| bare | - | - | 2,000 | 1.23 / 5.68 | - | - | 0.25 | 100 | 0.2 |" in section
    assert "| half of each | 2,000 | 1.23 / 5.68 | 50% |" in section
    assert "| fast | 0.95x | held |" in section
    assert "100 versions published under this load: 0 failed requests; 50 ms" in section
    assert "- Ray is left out: pip could not install it." in section
    assert "- bare has 3 failed requests." in section
    assert "- bare: the load generator may have been the limit." in section


def test_the_picture_shows_the_compared_rows_that_were_measured() -> None:
    results = Results()
    for key in ("bare", "surehand", "own-mixed"):
        row = results.rows[key] = Row(key, f"**{key}**")
        row.add((SINGLE, BUSY), CELL)
    results.rows["ray"] = Row("ray", "Ray", left_out="it does not install")
    assert busy_bars(results) == [Bar("bare", 2_000), Bar("surehand", 2_000, ours=True)]


@given(st.lists(st.builds(Bar, st.text("a&<\"'é", max_size=5), st.floats(0, 1e9)), max_size=5))
def test_the_picture_is_xml_with_bars_within_it(rows: list[Bar]) -> None:
    root = ElementTree.fromstring(bars("A & B", rows))
    boxes = [float(box.attrib["width"]) for box in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert len(boxes) == 1 + len(rows)
    assert all(0 < width < boxes[0] for width in boxes[1:])


def test_a_soak_is_a_line_a_stretch() -> None:
    done = Soak(500.0, [Stretch(60.0, CELL, 6, 151.2)])
    section = soak_section(done, ["Machine: one"])
    assert "- Pace: 500 requests/s" in section
    assert "| 60 | 8,000 | 0 | 1.23 / 5.68 | 6 | 151 |" in section


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60)), max_size=30),
    st.lists(st.integers(0, 200), max_size=10, unique=True),
)
def test_a_request_met_a_swap_when_they_overlap(
    samples: list[tuple[int, int]], bounds: list[int]
) -> None:
    ordered = sorted(bounds)
    windows = list(zip(ordered[::2], ordered[1::2], strict=False))
    expected = [
        latency
        for end, latency in samples
        if any(begin <= end and close >= end - latency for begin, close in windows)
    ]
    during, without = split(samples, windows)
    assert during == sorted(expected)
    assert sorted(during + without) == sorted(latency for _, latency in samples)


@pytest.mark.parametrize(
    ("available", "server", "load", "two", "free"),
    [
        ([3], {3}, {3}, {3}, 0),
        ([0, 1], {0}, {1}, {0, 1}, 1),
        ([0, 2, 5, 6], {0}, {2}, {0, 5}, 2),
    ],
)
def test_cores_are_shared_out(
    available: list[int], server: set[int], load: set[int], two: set[int], free: int
) -> None:
    assert Cores.of(available) == Cores(frozenset(server), frozenset(load), frozenset(two), free)
