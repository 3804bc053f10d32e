"""All that one run measured. Pure."""

from dataclasses import dataclass, field
from statistics import median

from bench.serving.measurement import Measurement, merge

# Items a request, connections.
Cell = tuple[int, int]
SINGLE, BATCH = 1, 64
ALONE, BUSY, CROWDED = 1, 32, 128
CELLS: tuple[Cell, ...] = tuple((n, c) for n in (SINGLE, BATCH) for c in (ALONE, BUSY, CROWDED))


@dataclass
class Row:
    """One server's cells, a measurement a round each; or why there are none."""

    key: str
    name: str
    rounds: dict[Cell, list[Measurement]] = field(default_factory=dict)
    rss_mib: list[float] = field(default_factory=list)
    start_seconds: list[float] = field(default_factory=list)
    left_out: str = ""

    def add(self, cell: Cell, measured: Measurement) -> None:
        """Keep one round's measurement of a cell."""
        self.rounds.setdefault(cell, []).append(measured)

    def cell(self, items: int, connections: int) -> Measurement | None:
        """Return the cell over all rounds; None when nothing was answered in it."""
        rounds = self.rounds.get((items, connections))
        merged = merge(rounds) if rounds else None
        return merged if merged is not None and merged.requests else None

    @property
    def rss(self) -> float | None:
        """Memory of the process tree after the last cell, MiB."""
        return median(self.rss_mib) if self.rss_mib else None

    @property
    def start(self) -> float | None:
        """Seconds from the start of the process to its first right answer."""
        return median(self.start_seconds) if self.start_seconds else None

    @property
    def errors(self) -> int:
        """Requests that failed, over all cells and rounds."""
        return sum(one.errors for rounds in self.rounds.values() for one in rounds)


@dataclass(frozen=True)
class Swaps:
    """Versions published under load: requests that met a swap, against those that did not."""

    count: int
    failed: int
    seconds: float
    p99_during_ms: float
    p99_without_ms: float


@dataclass
class Results:
    """One run. `free_cores` are those that two workers had to themselves."""

    rows: dict[str, Row] = field(default_factory=dict)
    swaps: Swaps | None = None
    free_cores: int = 1

    def cell(self, key: str, items: int, connections: int) -> Measurement | None:
        """Return one cell of one row."""
        row = self.rows.get(key)
        return row.cell(items, connections) if row is not None else None
