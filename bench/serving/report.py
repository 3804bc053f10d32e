"""The page: tables between markers, so that the prose around them stays. Pure."""

from collections.abc import Sequence

from bench.serving.measurement import Measurement
from bench.serving.own import NAMES
from bench.serving.plot import Bar
from bench.serving.results import ALONE, BATCH, BUSY, CROWDED, SINGLE, Results, Row
from bench.serving.targets import Verdict

# A load generator that is busier than this may have been what was measured.
_LOAD_LIMIT = 0.85
NOTHING = "-"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; a bar in a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_escaped(cell) for cell in line)} |" for line in lines)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


def serving_section(
    results: Results, verdicts: Sequence[Verdict], about: Sequence[str], picture: str
) -> str:
    """Return all that one run of the comparison says."""
    compared = [row for row in results.rows.values() if row.key not in NAMES]
    own = [row for row in results.rows.values() if row.key in NAMES]
    return "\n\n".join(
        part
        for part in (
            "\n".join(f"- {line}" for line in about),
            f"![Requests a second, one item each, 32 connections]({picture})",
            "### One item a request",
            _single_table(compared),
            "### 64 items a request",
            _batch_table(compared),
            "### Surehand's own traffic, one item a request, 32 connections",
            _own_table(own),
            _swap_words(results),
            "### Targets",
            table(
                ["target", "figure", "verdict"],
                [[one.target, one.figure, one.word] for one in verdicts],
            ),
            _remarks(list(results.rows.values())),
        )
        if part
    )


def busy_bars(results: Results) -> list[Bar]:
    """Return the picture's bars: requests a second of one item, 32 connections, one model."""
    measured = [
        (row, row.cell(SINGLE, BUSY))
        for row in results.rows.values()
        if row.key not in NAMES and not row.key.endswith("-small")
    ]
    return [
        Bar(_plain(row.name), cell.requests_per_second, ours=row.key.startswith("surehand"))
        for row, cell in measured
        if cell is not None
    ]


def _plain(name: str) -> str:
    return name.replace("*", "").replace("`", "")


def _single_table(rows: Sequence[Row]) -> str:
    header = ["server", "req/s, 1 conn.", "p50 / p99 ms", "req/s, 32 conn.", "p50 / p99 ms",
              "req/s, 128 conn.", "p50 / p99 ms", "CPU ms a request", "memory MiB",
              "first answer s"]  # fmt: skip
    return table(
        header, [[row.name, *_cells(row, SINGLE), _cost(row), *_weight(row)] for row in rows]
    )


def _batch_table(rows: Sequence[Row]) -> str:
    header = ["server", "items/s, 1 conn.", "p50 / p99 ms", "items/s, 32 conn.", "p50 / p99 ms",
              "items/s, 128 conn.", "p50 / p99 ms"]  # fmt: skip
    return table(header, [[row.name, *_cells(row, BATCH)] for row in rows])


def _cells(row: Row, items: int) -> list[str]:
    cells = [row.cell(items, connections) for connections in (ALONE, BUSY, CROWDED)]
    return [text for cell in cells for text in _figures(cell)]


def _figures(cell: Measurement | None) -> tuple[str, str]:
    if cell is None:
        return NOTHING, NOTHING
    return f"{cell.items_per_second:,.0f}", f"{cell.p50_ms:.2f} / {cell.p99_ms:.2f}"


def _cost(row: Row) -> str:
    cell = row.cell(SINGLE, BUSY)
    return f"{cell.server_cpu_ms:.2f}" if cell is not None and cell.server_cpu_ms else NOTHING


def _weight(row: Row) -> list[str]:
    memory = NOTHING if row.rss is None else f"{row.rss:,.0f}"
    return [memory, NOTHING if row.start is None else f"{row.start:.1f}"]


def _own_table(rows: Sequence[Row]) -> str:
    header = ["traffic", "req/s", "p50 / p99 ms", "in review"]
    return table(header, [[row.name, *_own_cells(row)] for row in rows])


def _own_cells(row: Row) -> list[str]:
    cell = row.cell(SINGLE, BUSY)
    share = NOTHING if cell is None else f"{cell.marked / (cell.requests * cell.items):.0%}"
    return [*_figures(cell), share]


def _swap_words(results: Results) -> str:
    swaps = results.swaps
    if swaps is None:
        return ""
    return (
        f"{swaps.count} versions published under this load: {swaps.failed} failed requests; "
        f"{swaps.seconds * 1e3:.0f} ms from publication to service; p99 {swaps.p99_during_ms:.1f} "
        f"ms of requests that met a swap, {swaps.p99_without_ms:.1f} ms of the others."
    )


def _remarks(rows: Sequence[Row]) -> str:
    """Say what a reader must know: rows left out, failed requests, a busy load generator."""
    lines = []
    for row in rows:
        if row.left_out:
            lines.append(f"- {_plain(row.name)} is left out: {row.left_out}.")
        if row.errors:
            lines.append(f"- {_plain(row.name)} has {row.errors:,} failed requests.")
        cells = [one for rounds in row.rounds.values() for one in rounds]
        if any(one.load_cpu > _LOAD_LIMIT for one in cells):
            lines.append(f"- {_plain(row.name)}: the load generator may have been the limit.")
    spread = max((cell.spread for row in rows if (cell := row.cell(SINGLE, BUSY))), default=0.0)
    if spread:
        lines.append(f"- Throughput of one round, 32 connections: within {spread:.0%} of the mean.")
    return "\n".join(lines)
