"""Audited answers, by version: how many were wrong, as far as people have answered."""

from dataclasses import asdict

from services.trainer.promise.binomial import interval
from services.trainer.resources import Resources
from services.trainer.watch import repository
from services.trainer.watch.messages import AuditView


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
