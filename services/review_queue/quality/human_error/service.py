"""The counts of reviewers' errors that certificates allow for."""

from dataclasses import dataclass

from services.review_queue.projects.reading import current_project
from services.review_queue.quality.human_error import repository
from shared.contracts.human_error import HumanError
from shared.db import Database


@dataclass(frozen=True)
class HumanErrorService:
    """Counts misses on gold, and disagreements among reviewers."""

    database: Database

    async def of(self, project: str) -> HumanError:
        """Return the project's counts; `NotFound`: no such project."""
        async with self.database.reading() as session:
            labels = (await current_project(session, project)).labels
            probes, misses = await repository.misses(session, project, labels)
            compared, disagreed = await repository.disagreements(session, project)
        return HumanError(probes=probes, misses=misses, compared=compared, disagreed=disagreed)
