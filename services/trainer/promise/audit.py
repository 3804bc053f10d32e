"""Audited answers, by version: how many were wrong, as far as people have answered."""

from dataclasses import asdict

from scipy import special

from services.trainer.promise import repository
from services.trainer.promise.messages import AuditView
from services.trainer.resources import Resources

_CONFIDENCE = 0.95


def interval(errors: int, n: int, confidence: float = _CONFIDENCE) -> tuple[float, float]:
    """Two-sided Clopper-Pearson interval of an error rate.

    Parameters
    ----------
    errors : in 0..n
    n : at least 1
    confidence : in (0, 1)

    References
    ----------
    Clopper and Pearson, Biometrika 26 (1934).

    Examples
    --------
    >>> lower, upper = interval(0, 60)
    >>> lower, round(upper, 4)
    (0.0, 0.0596)
    """
    tail = (1 - confidence) / 2
    lower = 0.0 if errors == 0 else float(special.betaincinv(errors, n - errors + 1, tail))
    upper = 1.0 if errors == n else float(special.betaincinv(errors + 1, n - errors, 1 - tail))
    return lower, upper


async def describe(resources: Resources, project: str) -> list[AuditView]:
    """Return the audits of each version that has any."""
    async with resources.database.reading() as session:
        counts = await repository.audit_counts(session, project)
    return [_view(one) for one in counts]


def _view(counts: repository.AuditCounts) -> AuditView:
    errors, resolved = counts.errors, counts.resolved
    lower, upper = interval(errors, resolved) if resolved else (None, None)
    rate = errors / resolved if resolved else None
    return AuditView(**asdict(counts), error_rate=rate, lower=lower, upper=upper)
