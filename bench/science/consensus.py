"""How many verdicts a label costs, how sure one may be of it, and how long a fit takes.

    python -m bench science consensus --tasks 3000

25 reviewers, three of them right 45 % of the time, and four labels. Every rule sees the same votes
in the same order; adaptive rules ask for two to nine and learn about the reviewers as the votes
come in, from 60 gold items of which each reviewer has answered 20. Those answers count as
verdicts. No adjudicator helps: a tie gets one of its labels by lot.

The second table judges posteriors on items that the model has not seen, of crowds that err ever
more often together; the third one stands beside crowd-kit.
"""

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from bench.science.crowds import Crowd, expected_calibration_error, mixed_crowd, temper
from services.review_queue.consensus.dawid_skene import Fit, fit
from services.review_queue.consensus.overlap import AskOneMore, Resolved, next_step
from services.review_queue.consensus.reliability import Reliability, TaskVote, learn
from services.review_queue.consensus.tempering import exponent_of, vote_correlation
from services.review_queue.consensus.votes import UNKNOWN, Votes

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# What the comparison is with, and how many verdicts the hardest items may get.
MAJORITY, MOST = 7, 9
GOLD_ITEMS, GOLD_EACH = 60, 20
RELEARN_EVERY = 250


@dataclass(frozen=True)
class Spent:
    """What a rule reached: share of right labels, verdicts a task, share of ties."""

    accuracy: float
    verdicts: float
    ties: float


@dataclass(frozen=True)
class Day:
    """The votes of one simulated project: up to nine a task, and those on gold before them."""

    votes: Votes
    truth: IntArray
    gold_votes: tuple[TaskVote, ...]
    gold: dict[str, str]
    labels: tuple[str, ...]

    def ballots(self, task: int) -> list[tuple[str, str]]:
        """The votes of a task in the order of their coming."""
        at = slice(task * MOST, (task + 1) * MOST)
        reviewers, given = self.votes.reviewers[at], self.votes.labels[at]
        return [(f"r{r}", self.labels[k]) for r, k in zip(reviewers, given, strict=True)]


def simulate(crowd: Crowd, tasks: int, rng: np.random.Generator) -> Day:
    """Draw a day's votes."""
    votes, truth = crowd.vote(tasks, MOST, rng)
    everyone = len(crowd.accuracy)
    answers, gold_truth = crowd.vote(GOLD_ITEMS, everyone, rng)
    asked = {(w, t) for w in range(everyone)
             for t in rng.choice(GOLD_ITEMS, GOLD_EACH, replace=False).tolist()}  # fmt: skip
    labels = tuple(f"label {k}" for k in range(crowd.n_labels))
    rows = zip(answers.tasks.tolist(), answers.reviewers.tolist(), answers.labels, strict=True)
    return Day(
        votes=votes,
        truth=truth,
        gold_votes=tuple((f"gold {t}", f"r{w}", labels[k]) for t, w, k in rows if (w, t) in asked),
        gold={f"gold {t}": labels[k] for t, k in enumerate(gold_truth)},
        labels=labels,
    )


def majority(day: Day, size: int, rng: np.random.Generator) -> Spent:
    """The label with most of the first `size` votes; ties by lot."""
    given = day.votes.labels.reshape(-1, MOST)[:, :size]
    tally = np.zeros((len(given), len(day.labels)))
    np.add.at(tally, (np.repeat(np.arange(len(given)), size), given.ravel()), 1)
    ties = (tally == tally.max(axis=1, keepdims=True)).sum(axis=1) > 1
    chosen = (tally + rng.random(tally.shape) / 2).argmax(axis=1)
    return Spent(float((chosen == day.truth).mean()), size, float(ties.mean()))


def batch(day: Day, size: int) -> Spent:
    """Dawid-Skene over the first `size` votes of every task, without gold."""
    at = np.arange(len(day.votes)) % MOST < size
    votes, n = day.votes, len(day.truth)
    some = Votes(votes.tasks[at], votes.reviewers[at], votes.labels[at], n, votes.n_reviewers,
                 votes.n_labels)  # fmt: skip
    chosen = fit(some).posterior.argmax(axis=1)
    return Spent(float((chosen == day.truth).mean()), size, 0.0)


def adaptive(day: Day, rng: np.random.Generator, *, sure: float | None, most: int = MOST) -> Spent:
    """`next_step` with two to `most` votes; by the lead rule alone where `sure` is None."""
    right, cast, ties = 0, 0 if sure is None else len(day.gold_votes), 0
    seen: list[TaskVote] = list(day.gold_votes)
    known: Reliability | None = None
    for task in range(len(day.truth)):
        if sure is not None and task % RELEARN_EVERY == 0:
            known = learn(seen, day.gold, day.labels, max_overlap=most, start=known)
        ballots, asked = day.ballots(task), 2
        while isinstance(step := _step(ballots[:asked], most, known, sure), AskOneMore):
            asked += 1
        if isinstance(step, Resolved):
            label = step.label
        else:
            label, ties = _by_lot(ballots[:asked], rng), ties + 1
        right += label == day.labels[day.truth[task]]
        cast += asked
        seen += [(str(task), reviewer, given) for reviewer, given in ballots[:asked]]
    n = len(day.truth)
    return Spent(right / n, cast / n, ties / n)


def _step(
    ballots: list[tuple[str, str]], most: int, known: Reliability | None, sure: float | None
) -> object:
    return next_step(ballots, overlap=2, max_overlap=most, known=known, sure=sure or 1.0)


def _by_lot(ballots: list[tuple[str, str]], rng: np.random.Generator) -> str:
    tally = Counter(label for _, label in ballots)
    leading = sorted(label for label, n in tally.items() if n == max(tally.values()))
    return leading[int(rng.integers(len(leading)))]


@dataclass(frozen=True)
class Calibration:
    """How sure posteriors are, and how often right, on items whose labels the model was not told.

    `plain_error` and `tempered_error` are expected calibration errors.
    """

    correlation: float
    accuracy: float
    plain: float
    plain_error: float
    tempered: float
    tempered_error: float


def calibration(crowd: Crowd, tasks: int, rng: np.random.Generator) -> Calibration:
    """Learn from one half of the items, a tenth of them gold; judge on the other half.

    Items have 2 to 9 votes each.
    """
    votes, truth = crowd.vote(tasks, MOST, rng)
    cast = rng.integers(2, MOST + 1, size=tasks)
    taken = np.arange(len(votes)) % MOST < cast[votes.tasks]
    learned = np.arange(tasks) % 2 == 0
    gold = np.where(learned & (rng.random(tasks) < 0.1), truth, UNKNOWN)
    half = _subset(votes, taken & learned[votes.tasks])
    fitted = fit(half, gold)
    correlation = vote_correlation(half, gold, fitted, most_votes=MOST)
    rows = _likelihood(_subset(votes, taken), fitted)[~learned]
    plain = temper(fitted.model.log_prior, rows, 1.0)
    tempered = temper(fitted.model.log_prior, rows, exponent_of(cast[~learned], correlation))
    right = tempered.argmax(axis=1) == truth[~learned]
    right_plain = plain.argmax(axis=1) == truth[~learned]
    return Calibration(
        correlation=correlation,
        accuracy=float(right.mean()),
        plain=float(plain.max(axis=1).mean()),
        plain_error=expected_calibration_error(plain.max(axis=1), right_plain),
        tempered=float(tempered.max(axis=1).mean()),
        tempered_error=expected_calibration_error(tempered.max(axis=1), right),
    )


def _subset(votes: Votes, at: NDArray[np.bool_]) -> Votes:
    return Votes(votes.tasks[at], votes.reviewers[at], votes.labels[at], votes.n_tasks,
                 votes.n_reviewers, votes.n_labels)  # fmt: skip


def _likelihood(votes: Votes, fitted: Fit) -> FloatArray:
    out = np.zeros((votes.n_tasks, votes.n_labels))
    np.add.at(out, votes.tasks, fitted.model.log_confusion[:, votes.reviewers, votes.labels].T)
    return out


RULES: dict[str, Callable[[Day, np.random.Generator], Spent]] = {
    "majority of 1": lambda day, rng: majority(day, 1, rng),
    "majority of 3": lambda day, rng: majority(day, 3, rng),
    "majority of 5": lambda day, rng: majority(day, 5, rng),
    "majority of 7": lambda day, rng: majority(day, 7, rng),
    "Dawid-Skene of 3": lambda day, _: batch(day, 3),
    "Dawid-Skene of 5": lambda day, _: batch(day, 5),
    "Dawid-Skene of 7": lambda day, _: batch(day, 7),
    "lead of 2": lambda day, rng: adaptive(day, rng, sure=None),
    "tempered posterior, sure at 0.95": lambda day, rng: adaptive(day, rng, sure=0.95),
    "tempered posterior, sure at 0.98": lambda day, rng: adaptive(day, rng, sure=0.98),
    "tempered posterior, sure at 0.99": lambda day, rng: adaptive(day, rng, sure=0.99),
}


def compare(names: list[str], tasks: int, runs: int, misled: float, seed: int) -> dict[str, Spent]:
    """What the rules of those names reach on average over so many projects, on the same votes."""
    found: dict[str, list[Spent]] = {name: [] for name in names}
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        day = simulate(mixed_crowd(misled), tasks, rng)
        for name in names:
            found[name].append(RULES[name](day, rng))
    return {name: Spent(*np.mean([astuple(s) for s in all_runs], axis=0).tolist())
            for name, all_runs in found.items()}  # fmt: skip


def overlap_table(tasks: int, runs: int, seed: int) -> None:
    """Print what each rule reaches, and what it costs beside the majority of seven."""
    for misled in (0.0, 0.2):
        print(f"\n{f'{misled:.0%} of the votes misled':34} accuracy verdicts fewer  ties")
        for name, spent in compare(list(RULES), tasks, runs, misled, seed).items():
            print(
                f"{name:34} {spent.accuracy:8.2%} {spent.verdicts:8.2f} "
                f"{1 - spent.verdicts / MAJORITY:5.0%} {spent.ties:5.1%}",
                flush=True,
            )


def calibration_table(tasks: int, seed: int) -> None:
    """Print how sure plain and tempered posteriors are, and how often right."""
    print("\nvotes misled  correlation   right   plain  error  tempered  error")
    for misled in (0.0, 0.2, 0.4, 0.6):
        found = calibration(mixed_crowd(misled), tasks, np.random.default_rng(seed))
        print(
            f"{misled:12.0%} {found.correlation:12.2f} {found.accuracy:7.1%} "
            f"{found.plain:7.1%} {found.plain_error:6.1%} "
            f"{found.tempered:9.1%} {found.tempered_error:6.1%}"
        )


def main(arguments: list[str] | None = None) -> None:
    """Print the tables; `arguments` None means those of the command line."""
    parser = argparse.ArgumentParser(description="verdicts for a label, on simulated crowds")
    parser.add_argument("--tasks", type=int, default=3_000)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    overlap_table(asked.tasks, asked.runs, asked.seed)
    calibration_table(5 * asked.tasks, asked.seed)
    # Its imports take longer than all of this.
    from bench.science.crowd_kit import speed_table  # noqa: PLC0415

    speed_table(asked.tasks, asked.seed)


if __name__ == "__main__":
    main()
