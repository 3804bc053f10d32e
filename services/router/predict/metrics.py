"""Metrics of decisions and of shadows."""

from collections.abc import Sequence
from functools import cache

from prometheus_client import Counter

from services.router.routing.decisions import Decision
from services.router.scoring.metrics import RUN_TIMEOUTS, SCORING_FAILURES
from services.router.versions.metrics import RELOAD_FAILURES, RELOADS

_PROJECT = ["project"]

DECISIONS = Counter(
    "surehand_router_decisions_total",
    "Items decided, by kind and reason",
    ["project", "decision", "reason"],
)
AUDITS = Counter("surehand_router_audits_total", "Answers that also went to blind review", _PROJECT)
_SHADOW_ITEMS = Counter(
    "surehand_router_shadow_items_total",
    "Items of shadow versions: scored, unscored (it could not, or not in time), dropped (no room)",
    ["result"],
)
SHADOW_SCORED = _SHADOW_ITEMS.labels("scored")
SHADOW_UNSCORED = _SHADOW_ITEMS.labels("unscored")
SHADOW_DROPPED = _SHADOW_ITEMS.labels("dropped")


def begin_counting(project: str) -> None:
    """Show a project's counters from 0 on: a rate misses a series that begins at 1."""
    _counter(project, "answered", "confident")
    for counter in (AUDITS, SCORING_FAILURES, RUN_TIMEOUTS, RELOADS, RELOAD_FAILURES):
        counter.labels(project)


def count_decisions(project: str, decisions: Sequence[Decision]) -> None:
    """Count what became of the items of one call."""
    # Most items of a call share one decision.
    if len(decisions) == 1:
        _count(project, decisions[0], 1)
        return
    times: dict[int, int] = {}
    for decision in decisions:
        times[id(decision)] = times.get(id(decision), 0) + 1
    for decision in {id(decision): decision for decision in decisions}.values():
        _count(project, decision, times[id(decision)])


def _count(project: str, decision: Decision, count: int) -> None:
    _counter(project, decision.decision, decision.reason).inc(count)
    if decision.audited:
        AUDITS.labels(project).inc(count)


@cache
def _counter(project: str, decision: str, reason: str) -> Counter:
    return DECISIONS.labels(project, decision, reason)
