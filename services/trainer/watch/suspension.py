"""The kill switch: an operator stops automatic answers at once, and lets them go on."""

from services.trainer.projects.repository import locking
from services.trainer.resources import Resources
from shared.contracts.base import rfc3339
from shared.contracts.projects import Project


async def suspend(resources: Resources, project: Project, cause: str, actor: str) -> None:
    """Send all items to people until `resume`; a suspension that is there already stays.

    Returns once promise.json says so; `Unavailable`: recorded, but not published yet.
    """
    async with locking(resources.database, project.project) as (_, state):
        if state.suspension is None:
            state.suspension = {
                "cause": "operator",
                "detail": cause,
                "actor": actor,
                "at": rfc3339(resources.now()),
            }
    await resources.documents.publish(project.project, resources.common.poll_seconds)


async def resume(resources: Resources, project: Project) -> None:
    """Lift an operator's suspension; one by audits or drift stays until a new certificate."""
    async with locking(resources.database, project.project) as (_, state):
        state.suspension = None
    await resources.documents.publish(project.project, resources.common.poll_seconds)
