"""Half of the router's capacity for a long time, with a version published every ten seconds."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

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


async def soak(bench: Workbench, seconds: float) -> list[Stretch]:
    """Load the router at half of its measured capacity; return a line a minute, or six lines."""
    length = min(_MINUTE, seconds / _LINES)
    stretches: list[Stretch] = []
    async with surehand(bench) as installation:
        capacity = await bench.load(installation.endpoint, SINGLE, BUSY)
        rate = capacity.requests_per_second / 2
        print(f"half of {2 * rate:,.0f} requests/s for {seconds:,.0f} s", flush=True)
        async with _swapping(installation):
            for number in range(1, round(seconds / length) + 1):
                measured = await bench.load(
                    installation.endpoint, SINGLE, BUSY, seconds=length, rate=rate
                )
                rss = installation.endpoint.server.rss_mib()
                stretches.append(Stretch(number * length, measured, installation.swaps - 1, rss))
                print(" | ".join(_line(stretches[-1])), flush=True)
    return stretches


def soak_section(stretches: list[Stretch], about: list[str]) -> str:
    """Return the table, and what it was measured on."""
    header = ["seconds", "requests", "failed", "p50 / p99 ms", "versions published", "memory MiB"]
    lines = table(header, [_line(stretch) for stretch in stretches])
    return "\n".join([*(f"- {line}" for line in about), "", lines])


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
