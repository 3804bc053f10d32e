"""The review queue's targets, each a ratio within one run, and whether they hold. Pure."""

from dataclasses import dataclass

from bench.review_queue.measurement import Cycles
from bench.review_queue.results import FEW_TASKS, MANY_TASKS, Results
from bench.serving.targets import Verdict, judge

FEW, CROWD = 8, 64
_OURS = ("surehand", "surehand-sqlite")


@dataclass(frozen=True)
class Faster:
    """Cycles a second of one row against those of another, with as many reviewers."""

    target: str
    of: str
    against: str
    floor: float
    # The contender's own, where it is not measured with as many.
    reviewers_against: int | None = None
    reviewers: tuple[int, ...] = (FEW, CROWD)

    def judge(self, results: Results, reviewers: int) -> Verdict:
        """Compare the two rows."""
        target = f"{self.target}, {reviewers} reviewers"
        ours = results.cell(self.of, reviewers)
        theirs = results.cell(self.against, self.reviewers_against or reviewers)
        if ours is None or theirs is None:
            return Verdict(target, "a row is missing", None)
        return judge(target, ours.per_second, theirs.per_second, self.floor, at_least=True)


FASTER = (
    Faster("cycles/s ≥ 100x Label Studio", "surehand", "label-studio", 100.0, FEW),
    Faster("cycles/s ≥ 2x FastAPI", "surehand", "fastapi", 2.0),
    Faster("cycles/s ≥ 0.45x raw SQL", "surehand", "raw", 0.45),
    Faster("cycles/s ≥ 0.45x hand-written", "surehand", "handwritten", 0.45, reviewers=(CROWD,)),
    Faster("SQLite: cycles/s ≥ 0.4x raw SQL", "surehand-sqlite", "raw-sqlite", 0.4),
)


def evaluate(results: Results) -> list[Verdict]:
    """Judge every target."""
    return [
        *(one.judge(results, reviewers) for one in FASTER for reviewers in one.reviewers),
        *(_depth(results, key) for key in ("PostgreSQL", "SQLite")),
        _once(results),
    ]


def _depth(results: Results, key: str) -> Verdict:
    target = f"lease p99 with 1,000,000 open tasks ≤ 1.3x that with 10,000, {key}"
    row = results.depths.get(key)
    many, few = (row.cell(tasks) if row else None for tasks in (MANY_TASKS, FEW_TASKS))
    if many is None or few is None:
        return Verdict(target, "was not measured", None)
    return judge(target, many.lease_p99_ms, few.lease_p99_ms, 1.3, at_least=False)


def _once(results: Results) -> Verdict:
    target = "no task to two, none lost"
    every = [one for key in _OURS if key in results.rows for one in results.rows[key].every]
    every += [one for row in results.depths.values() for one in row.every]
    if not every:
        return Verdict(target, "a row is missing", None)
    return Verdict(target, counted(every), not any(one.doubled or one.lost for one in every))


def counted(every: list[Cycles]) -> str:
    """Say how many of the verdicts were one too many, or are not to be found."""
    answered, doubled, lost = (
        sum(getattr(one, name) for one in every) for name in ("answered", "doubled", "lost")
    )
    return f"{doubled:,} doubled, {lost:,} lost of {answered:,}"
