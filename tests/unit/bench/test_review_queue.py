"""The review queue's comparison: what was counted, what holds, what the page says of it."""

from bench.review_queue.calls import LabelStudioCalls, OurCalls
from bench.review_queue.measurement import Cycles, Tally, merge, read
from bench.review_queue.report import section
from bench.review_queue.results import FEW_TASKS, MANY_TASKS, Results, Row
from bench.review_queue.targets import CROWD, FEW, evaluate

KEYS = (
    "surehand", "handwritten", "raw", "fastapi", "surehand-sqlite", "raw-sqlite", "label-studio",
)  # fmt: skip


def cycles(rate: float, *, p99: float = 10.0, doubled: int = 0, lost: int = 0) -> Cycles:
    count = int(rate * 2)
    return Cycles(
        count, 2.0, 0, 1.0, p99, 1.0, p99, answered=count, doubled=doubled, lost=lost
    )  # fmt: skip


def alike(rate: float = 1_000) -> Results:
    results = Results()
    for key in KEYS:
        row = results.rows[key] = Row(key, key)
        for reviewers in (FEW, CROWD):
            row.add(reviewers, cycles(rate))
    for key in ("PostgreSQL", "SQLite"):
        row = results.depths[key] = Row(key, key)
        for tasks in (FEW_TASKS, MANY_TASKS):
            row.add(tasks, cycles(rate))
    return results


def verdicts(results: Results) -> dict[str, tuple[str, bool | None]]:
    return {one.target: (one.figure, one.held) for one in evaluate(results)}


def test_a_queue_like_all_others_holds_what_allows_it_to_be_slower() -> None:
    told = verdicts(alike())
    assert told["cycles/s ≥ 0.45x raw SQL, 8 reviewers"] == ("1.00x", True)
    assert told["cycles/s ≥ 0.45x hand-written, 64 reviewers"] == ("1.00x", True)
    assert "cycles/s ≥ 0.45x hand-written, 8 reviewers" not in told
    assert told["cycles/s ≥ 2x FastAPI, 64 reviewers"] == ("1.00x", False)
    assert told["cycles/s ≥ 100x Label Studio, 8 reviewers"] == ("1.00x", False)
    assert told["no task to two, none lost"] == ("0 doubled, 0 lost of 16,000", True)


def test_one_task_to_two_or_one_verdict_lost_is_a_miss() -> None:
    for fault in ({"doubled": 1}, {"lost": 1}):
        results = alike()
        results.rows["surehand"].add(FEW, cycles(10, **fault))
        assert verdicts(results)["no task to two, none lost"][1] is False


def test_a_lease_that_slows_down_with_the_queue_misses() -> None:
    results = alike()
    slow = results.depths["SQLite"] = Row("SQLite", "SQLite")
    slow.add(FEW_TASKS, cycles(100, p99=10.0))
    slow.add(MANY_TASKS, cycles(100, p99=13.1))
    target = "lease p99 with 1,000,000 open tasks ≤ 1.3x that with 10,000, "
    assert verdicts(results)[f"{target}SQLite"] == ("1.31x", False)
    assert verdicts(results)[f"{target}PostgreSQL"] == ("1.00x", True)


def test_a_row_that_is_left_out_is_not_told_and_named() -> None:
    results = alike()
    results.rows["label-studio"] = Row("label-studio", "Label Studio", left_out="no network")
    assert verdicts(results)["cycles/s ≥ 100x Label Studio, 8 reviewers"] == (
        "a row is missing",
        None,
    )
    assert "Label Studio is left out: no network." in section(results, evaluate(results), ["x"])


def test_rounds_add_up_and_keep_the_middle_of_their_percentiles() -> None:
    merged = merge([cycles(100, p99=5.0), cycles(300, p99=7.0, lost=2), cycles(200, p99=90.0)])
    assert (merged.per_second, merged.lease_p99_ms, merged.lost) == (200.0, 7.0, 2)
    assert merged.spread == 0.5


def test_a_tally_counts_tasks_that_came_twice() -> None:
    tally = Tally(
        seconds=1.0, cycles=3, leases=[3, 1, 2], verdicts=[4], answered=["a", "b", "a", "a"]
    )
    counted = read(tally.as_dict())
    assert (counted.doubled, counted.answered, counted.cycles) == (1, 4, 3)
    assert counted.lease_p50_ms == 2e-6


def test_calls_find_the_task_in_each_servers_answer() -> None:
    lease = b'{"leases":[{"token":"t1","task":{"task_id":"a"}}]}'
    assert OurCalls("p").leased(b"HTTP/1.1 200 OK\r\n\r\n" + lease) == ("t1", "a")
    assert OurCalls("p").leased(b'HTTP/1.1 200 OK\r\n\r\n{"leases":[]}') is None
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked = head + b'4\r\n{"id\r\n3\r\n":7\r\n1\r\n}\r\n0\r\n\r\n'
    assert LabelStudioCalls("1").leased(chunked) == ("7", "7")
