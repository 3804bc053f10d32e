"""All parts of the science, or one of them by its name.

    python -m bench science certify --runs 100

Parts: ``certify``, ``sequential``, ``renewals``, ``audits``, ``deployments``, ``drift``,
``slices``, ``gate``, ``label-noise``, ``rivals``, ``near-copies``, ``active-pools``, ``capacity``,
``consensus``. Options are those of the part.

Each part has a time in which it ends on an idle core of today. A run of all says before it begins
how long that is together, and stops a part that takes three times as long.
"""

import signal
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
    """One part: what prints its tables, and the seconds that it takes on an idle core."""

    print_tables: Callable[[list[str]], None]
    seconds: int


PARTS = {
    "certify": Part(certify.main, 120),
    "sequential": Part(sequential.main, 60),
    "renewals": Part(renewals.main, 120),
    "audits": Part(audits.main, 300),
    "deployments": Part(deployments.main, 300),
    "drift": Part(drift.main, 120),
    "slices": Part(slices.main, 60),
    "gate": Part(gate.main, 80),
    "label-noise": Part(label_noise.main, 15),
    "rivals": Part(rivals.main, 330),
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
        try:
            with time_limit(_PATIENCE * part.seconds):
                part.print_tables([])
        except TookTooLong:
            print(f"stopped after {_PATIENCE * part.seconds} s", flush=True)


def forecast(parts: dict[str, Part]) -> str:
    """Say how long the parts take together."""
    minutes = sum(part.seconds for part in parts.values()) / 60
    each = ", ".join(f"{name} {part.seconds} s" for name, part in parts.items())
    return (
        f"All parts take about {minutes:.0f} minutes on an idle core, and {_PATIENCE * minutes:.0f}"
        f" at most: {each}."
    )


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` in the block once it has taken so many seconds of wall time."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
