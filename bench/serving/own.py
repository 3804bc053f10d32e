"""Surehand's own traffic: answered, in review, mixed; one and two workers; swaps under load."""

import asyncio
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from bench.serving.comparison import say
from bench.serving.deep import deepen
from bench.serving.measurement import percentile
from bench.serving.processes import ServerFailed
from bench.serving.publishing import ANSWER_ALL, ANSWER_NONE
from bench.serving.results import BUSY, SINGLE, Results, Row, Swaps
from bench.serving.surehand import Surehand, surehand
from bench.serving.workbench import LeftOut, Workbench

NAMES = {
    "own-answered": "answered only",
    "own-review": "in review only",
    "own-mixed": "half of each",
    "own-workers": "answered only, two workers",
    "own-deep": "answered only, a deep model",
    "own-deep-workers": "answered only, a deep model, two workers",
}
IN_REVIEW = '"decision":"in_review"'
_CELL = (SINGLE, BUSY)
# After each swap; the load lasts three times as long as that, so the last swap ends under it too.
_PAUSE_SECONDS = 0.5
_PER_MILLISECOND = 1e6

Window = tuple[int, int]


async def measure_own(bench: Workbench, results: Results, rounds: int, swaps: int) -> None:
    """Fill `results` with Surehand's own rows, and its swaps."""
    rows = {key: results.rows.setdefault(key, Row(key, name)) for key, name in NAMES.items()}
    for number in range(rounds):
        print(f"Surehand's own traffic, round {number + 1} of {rounds}", flush=True)
        try:
            async with surehand(bench) as installation:
                await _lanes(bench, installation, rows)
                if number == 0 and swaps:
                    results.swaps = await _swap_under_load(bench, installation, swaps)
        except ServerFailed as failure:
            print(f"  ended: {failure}", flush=True)
            for row in rows.values():
                if not row.rounds:
                    row.left_out = str(failure)
            return
        await _workers(bench, rows["own-workers"], 2)
        deep = bench.beside("deep", deepen(bench.model))
        await _workers(deep, rows["own-deep"], 1)
        await _workers(deep, rows["own-deep-workers"], 2)


async def _lanes(bench: Workbench, installation: Surehand, rows: dict[str, Row]) -> None:
    thresholds = {
        "own-answered": ANSWER_ALL,
        "own-review": ANSWER_NONE,
        "own-mixed": bench.model.median_confidence,
    }
    for key, threshold in thresholds.items():
        await installation.route_by(threshold)
        measured = await bench.load(installation.endpoint, *_CELL, mark=IN_REVIEW)
        rows[key].add(_CELL, measured)
        say(rows[key])
    await installation.route_by(ANSWER_ALL)


async def _workers(bench: Workbench, row: Row, workers: int) -> None:
    """One worker on the server's core; two on that and the next, free or the load generator's."""
    if row.left_out:
        return
    cores = bench.cores.server if workers == 1 else bench.cores.two
    try:
        async with surehand(bench, cores=cores, workers=workers) as installation:
            row.add(_CELL, await bench.load(installation.endpoint, *_CELL))
            row.rss_mib.append(installation.endpoint.server.rss_mib())
    except (LeftOut, ServerFailed) as reason:
        row.left_out = str(reason)
    say(row)


async def _swap_under_load(bench: Workbench, installation: Surehand, count: int) -> Swaps:
    """Publish one version after another while the load runs."""
    samples = bench.folder / "samples"
    seconds = 3 * (count + 1) * _PAUSE_SECONDS
    load = asyncio.create_task(
        bench.load(installation.endpoint, *_CELL, seconds=seconds, samples=str(samples))
    )
    windows: list[Window] = []
    try:
        await asyncio.sleep(bench.warm_seconds + _PAUSE_SECONDS)
        while len(windows) < count and not load.done():
            windows.append(await installation.swap())
            await asyncio.sleep(_PAUSE_SECONDS)
        measured = await load
    finally:
        load.cancel()
    during, without = split(_read_samples(samples), windows)
    swaps = Swaps(
        count=len(windows),
        failed=measured.errors,
        seconds=fmean(end - begin for begin, end in windows) / 1e9,
        p99_during_ms=percentile(during, 0.99) / _PER_MILLISECOND,
        p99_without_ms=percentile(without, 0.99) / _PER_MILLISECOND,
    )
    print(f"  {swaps}", flush=True)
    return swaps


def _read_samples(path: Path) -> list[tuple[int, int]]:
    """Return (end, latency) of each answer, in nanoseconds, as the load generator wrote them."""
    values = array("q")
    values.frombytes(path.read_bytes())
    half = len(values) // 2
    return list(zip(values[:half], values[half:], strict=True))


def split(
    samples: Sequence[tuple[int, int]], windows: Sequence[Window]
) -> tuple[list[int], list[int]]:
    """Return the latencies of requests that met a window, and of those that did not, ascending.

    Parameters
    ----------
    samples
        (end, latency) of each request.
    windows
        (begin, end) of each swap, in the same unit.
    """
    closed = [end for _, end in windows]
    during: list[int] = []
    without: list[int] = []
    for end, latency in samples:
        # Windows come one after the other: the first that closed no earlier is the one to ask.
        at = bisect_left(closed, end - latency)
        met = at < len(windows) and windows[at][0] <= end
        (during if met else without).append(latency)
    return sorted(during), sorted(without)
