"""SQL over all projects: which of them have a run that waits, or that this trainer does not run."""

from sqlalchemy import select
from sqlmodel import col

from services.trainer.tables import Run
from shared.db import Session


async def active_runs(session: Session) -> list[tuple[str, str, str]]:
    """Return (project, run id, state) of each run that is queued or running."""
    query = select(col(Run.project), col(Run.run_id), col(Run.state)).where(
        col(Run.state).in_(("queued", "running"))
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]
