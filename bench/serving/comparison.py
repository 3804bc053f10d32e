"""The comparison: every contender, every cell, in rounds, so that noise hits all alike."""

from collections.abc import Sequence

from bench.serving.contenders import Contender
from bench.serving.direct import NAME as DIRECT
from bench.serving.measurement import Measurement
from bench.serving.processes import ServerFailed
from bench.serving.results import BATCH, BUSY, CELLS, SINGLE, Results, Row
from bench.serving.workbench import LeftOut, Workbench


async def compare(
    bench: Workbench, contenders: Sequence[Contender], results: Results, rounds: int
) -> None:
    """Fill `results` with a row a contender, and one of the model alone."""
    direct = results.rows.setdefault("direct", Row("direct", DIRECT))
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", flush=True)
        await _measure_direct(bench, direct)
        for contender in contenders:
            row = results.rows.setdefault(contender.key, Row(contender.key, contender.name))
            if not row.left_out:
                await _measure(bench, contender, row)


async def _measure(bench: Workbench, contender: Contender, row: Row) -> None:
    try:
        async with contender.open(bench) as endpoint:
            row.start_seconds.append(endpoint.start_seconds)
            for items, connections in CELLS:
                row.add((items, connections), await bench.load(endpoint, items, connections))
                endpoint.server.check()
            row.rss_mib.append(endpoint.server.rss_mib())
    except (LeftOut, ServerFailed) as reason:
        row.left_out = str(reason)
    say(row)


async def _measure_direct(bench: Workbench, row: Row) -> None:
    for items in (SINGLE, BATCH):
        said = await bench.run_json(
            "-m", "bench.serving.direct", str(items), str(bench.seconds), str(bench.warm_seconds),
            cores=bench.cores.server, BENCH_MODEL=str(bench.model_path),
        )  # fmt: skip
        row.add((items, 1), Measurement.from_dict(said["measurement"]))
    row.rss_mib.append(said["rss_mib"])


def say(row: Row) -> None:
    """Print how a row stands, while the run goes on."""
    measured = row.cell(SINGLE, BUSY)
    if measured is None:
        print(f"  {row.name}: left out: {row.left_out or 'nothing was answered'}", flush=True)
        return
    errors = f", {row.errors} errors" if row.errors else ""
    print(
        f"  {row.name}: {measured.requests_per_second:,.0f} requests/s, "
        f"{measured.server_cpu_ms:.2f} ms of CPU each, "
        f"p50 {measured.p50_ms:.2f} ms, p99 {measured.p99_ms:.2f} ms{errors}",
        flush=True,
    )
