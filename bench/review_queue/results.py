"""All that one run of the review queue's comparison measured. Pure."""

from dataclasses import dataclass, field

from bench.review_queue.measurement import Cycles, merge

# How many open tasks the lease is measured with.
FEW_TASKS, MANY_TASKS = 10_000, 1_000_000


@dataclass
class Row:
    """One contender's cells, by reviewers, a measurement a round each; or why there are none."""

    key: str
    name: str
    rounds: dict[int, list[Cycles]] = field(default_factory=dict)
    left_out: str = ""

    def add(self, reviewers: int, measured: Cycles) -> None:
        """Keep one round's measurement of a cell."""
        self.rounds.setdefault(reviewers, []).append(measured)

    def cell(self, reviewers: int) -> Cycles | None:
        """Return the cell over all rounds; None when no cycle ended in it."""
        rounds = self.rounds.get(reviewers)
        merged = merge(rounds) if rounds else None
        return merged if merged is not None and merged.cycles else None

    @property
    def every(self) -> list[Cycles]:
        """All measurements."""
        return [one for rounds in self.rounds.values() for one in rounds]


@dataclass
class Results:
    """One run. `depths` are rows of one database each, whose cells are by open tasks."""

    rows: dict[str, Row] = field(default_factory=dict)
    depths: dict[str, Row] = field(default_factory=dict)
    # Statements of a lease and of a verdict, by database.
    statements: dict[str, tuple[int, int]] = field(default_factory=dict)

    def cell(self, key: str, reviewers: int) -> Cycles | None:
        """Return one cell of one row."""
        row = self.rows.get(key)
        return row.cell(reviewers) if row is not None else None
