"""The page's section about the review queue. Pure."""

from collections.abc import Sequence

from bench.review_queue.measurement import Cycles
from bench.review_queue.results import FEW_TASKS, MANY_TASKS, Results, Row
from bench.review_queue.targets import counted
from bench.serving.report import NOTHING, table
from bench.serving.targets import Verdict

# A load generator that is busier than this may have been what was measured.
_LOAD_LIMIT = 0.85


def section(results: Results, verdicts: Sequence[Verdict], about: Sequence[str]) -> str:
    """Return all that one run says."""
    return "\n\n".join(
        part
        for part in (
            "\n".join(f"- {line}" for line in (*about, *_statements(results))),
            "### A lease and its verdict",
            _cycles_table(results),
            _depth_table(results),
            "### Targets of the review queue",
            table(
                ["target", "figure", "verdict"],
                [[one.target, one.figure, one.word] for one in verdicts],
            ),
            _remarks(list(results.rows.values())),
        )
        if part
    )


def _statements(results: Results) -> list[str]:
    return [
        f"Statements on {database}: {lease} a lease, {verdict} a verdict."
        for database, (lease, verdict) in results.statements.items()
    ]


def _cycles_table(results: Results) -> str:
    header = ["contender", "reviewers", "cycles/s", "lease p50 / p99 ms", "verdict p50 / p99 ms",
              "CPU ms a cycle: server + database", "tasks to two"]  # fmt: skip
    rows = [
        [row.name, str(reviewers), *_figures(row.cell(reviewers))]
        for row in results.rows.values()
        for reviewers in row.rounds
    ]
    return table(header, rows)


def _figures(cell: Cycles | None) -> list[str]:
    if cell is None:
        return [NOTHING] * 5
    return [
        f"{cell.per_second:,.{0 if cell.per_second >= 100 else 1}f}",
        f"{cell.lease_p50_ms:.2f} / {cell.lease_p99_ms:.2f}",
        f"{cell.verdict_p50_ms:.2f} / {cell.verdict_p99_ms:.2f}",
        f"{cell.server_cpu_ms:.2f} + {cell.database_cpu_ms:.2f}",
        f"{cell.doubled:,} of {cell.answered:,}",
    ]


def _depth_table(results: Results) -> str:
    if not results.depths:
        return ""
    header = ["open tasks", "database", "cycles/s", "lease p50 / p99 ms", "verdict p50 / p99 ms"]
    rows = [
        [f"{tasks:,}", key, *_figures(row.cell(tasks))[:3]]
        for key, row in results.depths.items()
        for tasks in (FEW_TASKS, MANY_TASKS)
    ]
    return f"### Surehand with few and with many open tasks, 8 reviewers\n\n{table(header, rows)}"


def _remarks(rows: Sequence[Row]) -> str:
    """Say what a reader must know: rows left out, failures, a busy load generator."""
    lines = []
    for row in rows:
        name = row.name.replace("*", "").replace("`", "")
        if row.left_out:
            lines.append(f"- {name} is left out: {row.left_out}.")
        if errors := sum(one.errors for one in row.every):
            lines.append(f"- {name} has {errors:,} failed requests.")
        if any(one.lost for one in row.every):
            lines.append(f"- {name}: {counted(row.every)}.")
        if any(one.load_cpu > _LOAD_LIMIT for one in row.every):
            lines.append(f"- {name}: the load generator may have been the limit.")
    cells = [cell for row in rows for reviewers in row.rounds if (cell := row.cell(reviewers))]
    if spread := max((cell.spread for cell in cells), default=0.0):
        lines.append(f"- Throughput of one round: within {spread:.0%} of the mean.")
    return "\n".join(lines)
