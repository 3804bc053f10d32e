"""Ask another reviewer about answers that one reviewer alone gave, and that contradict a version.

Until the second opinion comes, the answer counts neither as right nor as wrong: a certification is
not closed, and the audit's count stays before it. If no other reviewer answers in the project, or
none does in time, it counts as an error.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from services.trainer.outcomes.opinions import repository
from services.trainer.outcomes.opinions.repository import Doubt
from services.trainer.resources import Resources
from services.trainer.tables import SecondOpinion
from services.trainer.tables.evidence import OpinionLane
from shared.contracts.base import MAX_BATCH
from shared.contracts.projects import Project
from shared.contracts.second_opinions import WantedOpinion

log = structlog.get_logger()

_LEAST_PATIENCE = timedelta(hours=12)
_PATIENCE_FACTOR = 2


def patience(project: Project) -> timedelta:
    """Return how long a second opinion is waited for: half as long as an audit's review."""
    return max(_LEAST_PATIENCE, timedelta(seconds=_PATIENCE_FACTOR * project.review.due_seconds))


async def ask_about_draw(resources: Resources, project: Project, certification_id: str) -> None:
    """Ask for second opinions on a certification's items; `QueueAway` if it cannot be asked."""
    async with resources.database.reading() as session:
        doubts = await repository.doubted_draws(session, certification_id)
    await _ask(resources, project, doubts, "certification")


async def ask_about_audits(
    resources: Resources, project: Project, version: str, since: datetime, position: int
) -> None:
    """Ask for second opinions on a version's audits behind a place in the ledger."""
    async with resources.database.reading() as session:
        doubts = await repository.doubted_audits(session, project.project, version, since, position)
    await _ask(resources, project, doubts, "audit")


async def _ask(
    resources: Resources, project: Project, doubts: Sequence[Doubt], lane: OpinionLane
) -> None:
    name, now = project.project, resources.now()
    async with resources.database.reading() as session:
        waiting = await repository.waiting(session, name)
    due = [
        one for one in waiting if one.state == "wanted" or now - one.wanted_at > patience(project)
    ]
    if doubts or due:
        async with resources.database.transaction() as session:
            known = await repository.of_items(session, name, [item_id for item_id, _ in doubts])
            session.add_all(
                SecondOpinion(
                    project=name, item_id=item_id, revision=revision, lane=lane, wanted_at=now
                )
                for item_id, revision in doubts
                if item_id not in known
            )
            for one in await repository.waiting(session, name):
                if now - one.wanted_at > patience(project):
                    one.state = "unanswered"
            waiting = await repository.waiting(session, name)
    wanted = [one for one in waiting if one.state == "wanted"]
    for start in range(0, len(wanted), MAX_BATCH):
        await _post(resources, name, wanted[start : start + MAX_BATCH])


async def _post(resources: Resources, project: str, wanted: Sequence[SecondOpinion]) -> None:
    asked = [
        WantedOpinion(item_id=one.item_id, revision=one.revision, lane=one.lane)  # type: ignore[arg-type]
        for one in wanted
    ]
    statuses = await resources.queue.ask_second_opinions(project, asked)
    async with resources.database.transaction() as session:
        rows = await repository.of_items(session, project, [one.item_id for one in wanted])
        for item_id, status in statuses.items():
            if rows[item_id].state == "wanted":
                rows[item_id].state = "asked" if status == "asked" else "refused"
    log.info(
        "second_opinions_asked",
        project=project,
        asked=sum(status == "asked" for status in statuses.values()),
        refused=sum(status != "asked" for status in statuses.values()),
    )
