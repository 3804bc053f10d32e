"""The use cases of this service, wired once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.exchange.exporting import ExportService
from services.review_queue.exchange.importing import ImportService
from services.review_queue.leases.claims import ClaimService
from services.review_queue.outcomes.service import OutcomeService
from services.review_queue.projects.service import ProjectService
from services.review_queue.tasks.intake import IntakeService
from services.review_queue.tasks.service import TaskService
from services.review_queue.verdicts.corrections import CorrectionService
from services.review_queue.verdicts.service import VerdictService
from shared.db import Database
from shared.doorbells import Doorbells
from shared.store import Store


@dataclass(frozen=True)
class Rooms:
    """One service object a room."""

    projects: ProjectService
    intake: IntakeService
    tasks: TaskService
    claims: ClaimService
    verdicts: VerdictService
    corrections: CorrectionService
    outcomes: OutcomeService
    imports: ImportService
    exports: ExportService


def furnish(
    database: Database,
    bells: Doorbells,
    store: Store,
    *,
    now: Callable[[], datetime],
    nudge: Callable[[], None],
    poll_seconds: float,
) -> Rooms:
    """Wire the rooms. `nudge` is called after each commit that wrote to the outbox."""
    intake = IntakeService(database, now, nudge)
    return Rooms(
        projects=ProjectService(database, store, now, nudge),
        intake=intake,
        tasks=TaskService(database, now, nudge),
        claims=ClaimService(database, bells, now, poll_seconds),
        verdicts=VerdictService(database, now, nudge),
        corrections=CorrectionService(database, now, nudge),
        outcomes=OutcomeService(database, bells, poll_seconds),
        imports=ImportService(database, intake, now),
        exports=ExportService(database, now),
    )
