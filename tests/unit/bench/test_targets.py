"""Targets hold, are missed, or cannot be told."""

from bench.serving.measurement import Measurement
from bench.serving.results import ALONE, BATCH, BUSY, SINGLE, Results, Row, Swaps
from bench.serving.targets import evaluate

KEYS = (
    "bare", "fastapi", "mlserver", "surehand", "bare-small", "surehand-small",
    "own-answered", "own-review", "own-workers",
)  # fmt: skip
CELLS = ((SINGLE, BUSY), (SINGLE, ALONE), (BATCH, BUSY))


def measured(
    rate: float, items: int = SINGLE, *, p50: float = 1.0, p99: float = 10.0
) -> Measurement:
    return Measurement(int(rate * 2), items, 2.0, 0, p50, p99)


def alike(rate: float = 1_000) -> Results:
    """Every row the same, and a hundred swaps that nobody noticed."""
    rows = {}
    for key in KEYS:
        row = rows[key] = Row(key, key, rss_mib=[100.0])
        for items, connections in CELLS:
            row.add((items, connections), measured(rate, items))
    return Results(rows, Swaps(100, 0, 0.1, 10.0, 10.0), free_cores=2)


def verdicts(results: Results) -> dict[str, tuple[str, bool | None]]:
    return {one.target: (one.figure, one.held) for one in evaluate(results)}


def test_a_router_like_the_bare_application_holds_what_is_measured_against_it() -> None:
    told = verdicts(alike())
    assert told["throughput ≥ 0.9x bare"] == ("1.00x", True)
    assert told["p99 ≤ 1.2x bare"] == ("1.00x", True)
    assert told["unloaded p50 ≤ 1.4x bare"] == ("1.00x", True)
    assert told["small model: throughput ≥ 0.95x bare"] == ("1.00x", True)
    assert told["small model: unloaded p50 ≤ 1.3x bare"] == ("1.00x", True)
    assert told["64 items: ≥ 0.85x bare"] == ("1.00x", True)
    assert told["memory of one worker ≤ 1.6x bare"] == ("1.00x", True)
    assert told["no failed request over 100 swaps"] == ("0 failed over 100 swaps", True)
    assert told["throughput ≥ 3x MLServer"] == ("1.00x", False)
    assert told["two workers ≥ 1.8x one, on two free cores"] == ("1.00x", False)


def test_a_slow_or_heavy_router_misses() -> None:
    results = alike()
    slow = results.rows["surehand"] = Row("surehand", "surehand", rss_mib=[170.0])
    slow.add((SINGLE, BUSY), measured(890, p99=12.1))
    told = verdicts(results)
    assert told["throughput ≥ 0.9x bare"] == ("0.89x", False)
    assert told["p99 ≤ 1.2x bare"] == ("1.21x", False)
    assert told["memory of one worker ≤ 1.6x bare"] == ("1.70x", False)
    assert told["64 items: ≥ 0.85x bare"] == ("a row is missing", None)


def test_nothing_measured_tells_nothing() -> None:
    assert {held for _, held in verdicts(Results()).values()} == {None}


def test_two_workers_that_share_a_core_with_the_load_are_judged_by_the_deep_model() -> None:
    target = "two workers ≥ 1.8x one, on two free cores"
    results = alike()
    results.free_cores = 1
    figure, held = verdicts(results)[target]
    assert held is None
    assert "load generator" in figure
    assert "the deep model: a row is missing" in figure
    for key, rate in (("own-deep", 500), ("own-deep-workers", 930)):
        results.rows[key] = Row(key, key)
        results.rows[key].add((SINGLE, BUSY), measured(rate))
    figure, held = verdicts(results)[target]
    assert held
    assert figure.startswith("1.86x with the deep model; 1.00x with the other")
    results.rows["own-deep-workers"].rounds.clear()
    results.rows["own-deep-workers"].add((SINGLE, BUSY), measured(700))
    assert verdicts(results)[target][1] is False
    results.free_cores = 2
    assert verdicts(results)[target] == ("1.00x", False)


def test_a_worker_row_that_is_left_out_says_why() -> None:
    results = alike()
    results.rows["own-workers"] = Row("own-workers", "workers", left_out="it ended")
    assert verdicts(results)["two workers ≥ 1.8x one, on two free cores"] == ("it ended", None)


def test_few_swaps_prove_nothing_but_one_failure_does() -> None:
    results = alike()
    results.swaps = Swaps(5, 0, 0.1, 21.0, 10.0)
    told = verdicts(results)
    assert told["no failed request over 100 swaps"] == ("0 failed over 5 swaps", None)
    assert told["p99 during a swap ≤ 2x without"] == ("2.10x", False)
    results.swaps = Swaps(5, 1, 0.1, 21.0, 10.0)
    assert verdicts(results)["no failed request over 100 swaps"][1] is False
