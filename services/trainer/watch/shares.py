"""What share of a version's decisions were automatic answers."""

from collections.abc import Sequence
from datetime import datetime

from services.trainer.tables import Version
from services.trainer.watch import repository
from shared.db import Session


async def shares_answered(session: Session, versions: Sequence[Version]) -> dict[str, float]:
    """Return the share of answers among the newest decisions of each version, by project.

    The versions are of different projects. Only decisions since the certificate count; a version
    without any is left out.
    """
    asked = [
        (one.project, one.version, datetime.fromisoformat(one.certificate["certified_at"]))
        for one in versions
        if one.certificate is not None
    ]
    counts = await repository.newest_decisions(session, asked)
    return {project: answered / decided for project, answered, decided in counts if decided}
