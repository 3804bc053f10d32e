"""``python -m bench serving`` and ``python -m bench soak``: measure, print, write the page."""

import argparse
from pathlib import Path
from typing import Any

from bench.page import PAGE, put_between, run
from bench.serving.comparison import compare
from bench.serving.contenders import CONTENDERS
from bench.serving.machine import describe
from bench.serving.own import measure_own
from bench.serving.plot import bars
from bench.serving.processes import pin
from bench.serving.report import busy_bars, serving_section
from bench.serving.results import Results
from bench.serving.soak import soak, soak_section
from bench.serving.targets import evaluate
from bench.serving.workbench import Workbench, workbench

_SWAPS, _QUICK_SWAPS = 100, 5
_MINUTES, _CAPACITY_SECONDS = 30.0, 4.0


def serving(arguments: list[str]) -> None:
    """Compare Surehand with its peers."""
    keys = [contender.key for contender in CONTENDERS]
    parser = argparse.ArgumentParser(prog="python -m bench serving", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one cell (default 4)")
    parser.add_argument("--rounds", type=int, default=2, help="of the whole (default 2)")
    parser.add_argument("--swaps", type=int, default=_SWAPS, help=f"(default {_SWAPS})")
    parser.add_argument("--quick", action="store_true", help="one round of 1 s, 5 swaps")
    parser.add_argument("--only", nargs="+", choices=keys, default=keys, help="these rows alone")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write into")
    asked = parser.parse_args(arguments)
    if asked.quick:
        asked.seconds, asked.rounds, asked.swaps = 1.0, 1, _QUICK_SWAPS
    with workbench(asked.seconds) as bench:
        pin(bench.cores.load)
        results = Results(free_cores=bench.cores.free)
        contenders = [one for one in CONTENDERS if one.key in asked.only]
        run(_measure(bench, results, asked.rounds, asked.swaps, contenders))
        form = f"{asked.rounds} round(s), {asked.seconds:g} s a cell after {bench.warm_seconds:g} s"
        _write(asked.page, results, [*describe(bench.cores), f"Form: {form} of warming up."])


def soaking(arguments: list[str]) -> None:
    """Load the router for a long time."""
    parser = argparse.ArgumentParser(prog="python -m bench soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=_MINUTES, help=f"(default {_MINUTES:g})")
    parser.add_argument("--seconds", type=float, help="instead of minutes")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write into")
    asked = parser.parse_args(arguments)
    with workbench(_CAPACITY_SECONDS) as bench:
        pin(bench.cores.load)
        done = run(soak(bench, asked.seconds or asked.minutes * 60))
        section = soak_section(done, describe(bench.cores))
    asked.page.write_text(put_between(asked.page.read_text(), "soak", section))


async def _measure(
    bench: Workbench, results: Results, rounds: int, swaps: int, contenders: list[Any]
) -> None:
    await compare(bench, contenders, results, rounds)
    await measure_own(bench, results, rounds, swaps)


def _write(page: Path, results: Results, about: list[str]) -> None:
    """Print the section, and put it and its picture where the page wants them."""
    picture = page.with_name("benchmarks.svg")
    section = serving_section(results, evaluate(results), about, picture.name)
    print(section, flush=True)
    picture.write_text(
        bars("Requests a second: one item each, 32 connections, one core", busy_bars(results))
    )
    page.write_text(put_between(page.read_text(), "serving", section))
