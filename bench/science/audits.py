"""How soon audits find a broken promise, and how often they accuse one that is kept.

    python -m bench science audits --runs 1000

Prints one row a promise, an error before and an error after a change: in how many runs the
e-process ("violated") and the Shiryaev-Roberts statistic ("changed") raise an alarm before the
change, and after how many audits from the change on the first of the two does, and the e-process
alone. A row without a change has no delay; an alarm later than 20,000 audits counts as none (inf).
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.trainer.promise.detector import (
    AUDITS_BETWEEN_FALSE_ALARMS,
    RATES,
    advance,
    log_factors,
    log_mean,
)

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

DELTA = 0.05
# Delays are followed for this many audits after the change.
FOLLOWED = 20_000


@dataclass(frozen=True)
class Stream:
    """`good` audits at the error `before`, then audits at the error `after`."""

    alpha: float
    before: float
    good: int
    after: float | None


STREAMS = (
    Stream(0.01, 0.01, 20_000, None),
    Stream(0.01, 0.005, 20_000, None),
    Stream(0.05, 0.05, 20_000, None),
    Stream(0.1, 0.1, 20_000, None),
    Stream(0.01, 0.005, 3_000, 0.02),
    Stream(0.01, 0.005, 3_000, 0.05),
    Stream(0.05, 0.025, 3_000, 0.1),
    Stream(0.1, 0.05, 3_000, 0.2),
    Stream(0.01, 0.01, 0, 0.015),
    Stream(0.01, 0.01, 0, 0.02),
    Stream(0.01, 0.01, 0, 0.03),
    Stream(0.01, 0.01, 0, 0.05),
    Stream(0.05, 0.05, 0, 0.1),
    Stream(0.1, 0.1, 0, 0.2),
)


def alarm_times(wrong: BoolArray, alpha: float, delta: float) -> tuple[FloatArray, FloatArray]:
    """Audits until the first alarm of each kind, for runs side by side.

    Parameters
    ----------
    wrong : shape (audits, runs)

    Returns
    -------
    Counts for "changed" and for "violated", each of shape (runs,); infinite where none came.
    """
    runs = wrong.shape[1]
    right, error = log_factors(alpha)
    log_sr, log_e = np.zeros((runs, RATES)), np.zeros((runs, RATES))
    changed, violated = np.full(runs, np.inf), np.full(runs, np.inf)
    waiting = np.arange(runs)
    for n, row in enumerate(wrong, start=1):
        factor = np.where(row[waiting, None], error, right)
        log_sr, log_e = advance(log_sr, log_e, factor)
        sr, e = log_mean(log_sr), log_mean(log_e)
        for times, at in (
            (changed, sr >= np.log(1 + AUDITS_BETWEEN_FALSE_ALARMS)),
            (violated, e >= -np.log(delta)),
        ):
            times[waiting[at]] = np.minimum(times[waiting[at]], n)
        keep = ~np.isfinite(changed[waiting]) | ~np.isfinite(violated[waiting])
        if not keep.all():
            waiting, log_sr, log_e = waiting[keep], log_sr[keep], log_e[keep]
    return changed, violated


def row(stream: Stream, runs: int, seed: int) -> str:
    """Simulate one line of the table."""
    rng = np.random.default_rng(seed)
    started = time.perf_counter()
    followed = 0 if stream.after is None else FOLLOWED
    error = np.full(stream.good + followed, stream.before)
    error[stream.good :] = stream.before if stream.after is None else stream.after
    wrong = np.empty((len(error), runs), dtype=np.bool_)
    for n, rate in enumerate(error):
        wrong[n] = rng.random(runs) < rate
    changed, violated = alarm_times(wrong, stream.alpha, DELTA)
    after = "-" if stream.after is None else f"{stream.after:.1%}"
    return (
        f"{stream.alpha:7.0%} {stream.before:7.1%} {stream.good:7,} {after:>7}"
        f" {np.mean(violated <= stream.good):9.1%} {np.mean(changed <= stream.good):8.1%}"
        f" {_delay(np.minimum(changed, violated), stream)} {_delay(violated, stream)}"
        f" {time.perf_counter() - started:6.1f} s"
    )


def _delay(alarms: FloatArray, stream: Stream) -> str:
    """Median and 90th percentile of the audits after the change, over runs not alarmed before."""
    if stream.after is None:
        return f"{'-':>15}"
    delays = alarms[alarms > stream.good] - stream.good
    median, most = np.quantile(delays, [0.5, 0.9], method="higher")
    return f"{median:6,.0f} / {most:6,.0f}"


def main(arguments: list[str] | None = None) -> None:
    """Print the table; `arguments` None means those of the command line."""
    parser = argparse.ArgumentParser(description="alarms of the audit on simulated streams")
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    print(f"{'':31} {'alarms before':>18} {'first alarm':>15} {'e-process':>15}")
    print(
        f"promise  before  audits   after  violated  changed {'median / p90':>15}"
        f" {'median / p90':>15}   time"
    )
    for stream in STREAMS:
        print(row(stream, asked.runs, asked.seed), flush=True)


if __name__ == "__main__":
    main()
