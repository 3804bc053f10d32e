"""Audited answers, by version: how many were wrong, as far as people have answered."""

from collections import defaultdict

from scipy import special

from services.trainer.ledger import repository as ledger
from services.trainer.messages import AuditView
from services.trainer.models import LedgerRow
from services.trainer.outcomes import repository as outcomes
from services.trainer.outcomes.evidence import Evidence, evidence_of
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
        rows = await ledger.audited(session, project)
        known = await outcomes.of_items(session, project, {row.item_id for row in rows})
    said = {row.item_id: evidence_of(row) for row in known}
    by_version: dict[str, dict[str, LedgerRow]] = defaultdict(dict)
    for row in rows:
        by_version[row.model_version or ""].setdefault(row.item_id, row)
    return [
        _view(version, list(audited.values()), said)
        for version, audited in sorted(by_version.items())
    ]


def _view(version: str, rows: list[LedgerRow], said: dict[str, Evidence]) -> AuditView:
    resolved = [row for row in rows if row.item_id in said]
    # An answer that people could not judge counts as wrong: silence is no evidence for it.
    errors = sum(not said[row.item_id].confirms(row.label) for row in resolved)
    lower, upper = interval(errors, len(resolved)) if resolved else (None, None)
    return AuditView(
        version=version,
        audited=len(rows),
        resolved=len(resolved),
        errors=errors,
        error_rate=errors / len(resolved) if resolved else None,
        lower=lower,
        upper=upper,
    )
