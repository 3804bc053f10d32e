"""Half of the router's capacity for a long time, with a version published every ten seconds."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from bench.serving.measurement import Measurement
from bench.serving.report import table
from bench.serving.results import BUSY, SINGLE
from bench.serving.surehand import Surehand, surehand
from bench.serving.workbench import Workbench

SWAP_SECONDS = 10.0
_MINUTE = 60.0
# A short soak is still told in so many lines.
_LINES = 6


@dataclass(frozen=True)
class Stretch:
    """One line of the table: what was measured up to `seconds` from the start."""

    seconds: float
    measured: Measurement
    swaps: int
    rss_mib: float


@dataclass
class Soak:
    """A whole soak: its pace in requests a second, and a line a minute, or six lines."""

    rate: float
    stretches: list[Stretch] = field(default_factory=list)


async def soak(bench: Workbench, seconds: float) -> Soak:
    """Load the router at half of the capacity that it shows first."""
    length = min(_MINUTE, seconds / _LINES)
    async with surehand(bench) as installation:
        endpoint = installation.endpoint
        capacity = await bench.load(endpoint, SINGLE, BUSY)
        done = Soak(capacity.requests_per_second / 2)
        print(f"{done.rate:,.0f} requests/s for {seconds:,.0f} s", flush=True)
        async with _swapping(installation):
            for number in range(1, round(seconds / length) + 1):
                measured = await bench.load(endpoint, SINGLE, BUSY, seconds=length, rate=done.rate)
                rss = endpoint.server.rss_mib()
                stretch = Stretch(number * length, measured, installation.swaps - 1, rss)
                done.stretches.append(stretch)
                print(" | ".join(_line(stretch)), flush=True)
    return done


def soak_section(done: Soak, about: list[str]) -> str:
    """Return the table, and what it was measured on."""
    header = ["seconds", "requests", "failed", "p50 / p99 ms", "versions published", "memory MiB"]
    pace = f"Pace: {done.rate:,.0f} requests/s, half of what the router did just before."
    lines = "\n".join(f"- {line}" for line in (*about, pace))
    return f"{lines}\n\n{table(header, [_line(stretch) for stretch in done.stretches])}"


def _line(stretch: Stretch) -> list[str]:
    measured = stretch.measured
    return [
        f"{stretch.seconds:,.0f}",
        f"{measured.requests:,}",
        f"{measured.errors:,}",
        f"{measured.p50_ms:.2f} / {measured.p99_ms:.2f}",
        str(stretch.swaps),
        f"{stretch.rss_mib:,.0f}",
    ]


@contextlib.asynccontextmanager
async def _swapping(installation: Surehand) -> AsyncIterator[None]:
    """Publish a version every ten seconds while the block lasts; a failed one ends the soak."""

    async def work() -> None:
        while True:
            await asyncio.sleep(SWAP_SECONDS)
            await installation.swap()

    swapping = asyncio.create_task(work())
    try:
        yield
        if swapping.done():
            swapping.result()
    finally:
        swapping.cancel()
        await asyncio.gather(swapping, return_exceptions=True)
