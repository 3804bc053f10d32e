"""All parts of the science, or one of them by its name.

    python -m bench science certify --runs 100

Parts: ``certify``, ``sequential``, ``renewals``, ``audits``, ``deployments``, ``drift``,
``slices``, ``gate``, ``label-noise``, ``rivals``, ``near-copies``, ``active-pools``, ``capacity``,
``consensus``. Options are those of the part.

Each part has a time in which it ends on an idle core of today. A run of all says before it begins
how long that is together, and stops a part that takes three times as much time of the processor: a
loaded machine stops none.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from bench.science import (
    active_pools,
    audits,
    capacity,
    certify,
    consensus,
    deployments,
    drift,
    gate,
    label_noise,
    near_copies,
    renewals,
    rivals,
    sequential,
    slices,
)

_PATIENCE = 3


@dataclass(frozen=True)
class Part:
    """One part: what prints its tables, and the processor's seconds that it takes."""

    print_tables: Callable[[list[str]], None]
    seconds: int


PARTS = {
    "certify": Part(certify.main, 60),
    "sequential": Part(sequential.main, 10),
    "renewals": Part(renewals.main, 60),
    "audits": Part(audits.main, 80),
    "deployments": Part(deployments.main, 300),
    "drift": Part(drift.main, 120),
    "slices": Part(slices.main, 60),
    "gate": Part(gate.main, 80),
    "label-noise": Part(label_noise.main, 15),
    "rivals": Part(rivals.main, 390),
    "near-copies": Part(near_copies.main, 40),
    "active-pools": Part(active_pools.main, 10),
    "capacity": Part(capacity.main, 60),
    "consensus": Part(consensus.main, 60),
}


class TookTooLong(Exception):  # noqa: N818 - named as the house names its problems
    """A part has not ended in its time."""


def main(arguments: list[str]) -> None:
    """Print the tables of the part that is named first, or all of them."""
    if arguments and arguments[0] in PARTS:
        PARTS[arguments[0]].print_tables(arguments[1:])
        return
    if arguments:
        raise SystemExit(f"parts of the science: {', '.join(PARTS)}")
    print(forecast(PARTS), flush=True)
    for name, part in PARTS.items():
        print(f"\n{name}", flush=True)
        began = time.process_time()
        try:
            with time_limit(_PATIENCE * part.seconds):
                part.print_tables([])
        except TookTooLong:
            print("stopped", flush=True)
        print(f"{name}: {time.process_time() - began:.0f} s of processor time", flush=True)


def forecast(parts: dict[str, Part]) -> str:
    """Say how long the parts take together."""
    minutes = sum(part.seconds for part in parts.values()) / 60
    each = ", ".join(f"{name} {part.seconds} s" for name, part in parts.items())
    return (
        f"All parts take about {minutes:.0f} minutes of one processor, and "
        f"{_PATIENCE * minutes:.0f} at most: {each}."
    )


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` in the block once it has taken so many seconds of processor time.

    All threads of the process count, and the kernel's work for them. Main thread only.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
