"""Whether a version that the audit found wrong may be certified again on what came since.

A recovery spends a test of the new period, and the first one has most of its δ. Where people have
contradicted the version again and again since the alarm, the test would be lost, and the next
version, which learnt from their labels, would have a weaker one. These labels only decide whether
the test is begun: it is on a fresh uniform draw, so its chance of certifying wrongly stays as it
is.
"""

from datetime import datetime

from services.trainer.outcomes import repository as outcomes
from services.trainer.promise.binomial import interval
from services.trainer.tables import Version
from shared.contracts.certificates import complement
from shared.contracts.projects import Project
from shared.db import Session

_NEWEST = 1_000


async def contradiction(
    session: Session, project: Project, version: Version, alarm: datetime
) -> str | None:
    """Say that labels since the alarm show more errors than the promise allows; None if they don't.

    Counted are items, among the newest 1,000 outcomes, that the version would have answered under
    the certificate that it had. The lower end of their error's 95 % interval must be above the
    promise.
    """
    if version.certificate is None:
        return None
    threshold = version.certificate["threshold"]
    wrong = [
        row.label != row.prediction["label"]
        for row in await outcomes.newest(session, project.project, _NEWEST)
        if row.label is not None and row.resolved_at >= alarm
        if row.prediction is not None and row.prediction["model_version"] == version.version
        if (row.prediction["confidence"] or 0) >= threshold
    ]
    lower = interval(sum(wrong), len(wrong))[0] if wrong else 0.0
    if lower <= complement(project.promise.target_accuracy):
        return None
    return (
        f"people contradicted {version.version} on {sum(wrong)} of {len(wrong)} items since the "
        "alarm that it would have answered; a new version learns from their labels"
    )
