"""What every use case of the trainer works with, made once in `app.py`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from services.trainer.documents.service import Documents
from services.trainer.projects.service import Projects
from services.trainer.queue_client import QueueClient
from services.trainer.settings import TrainerSettings
from services.trainer.writer_lease.service import Leases
from shared.db import Database
from shared.doorbells import Doorbells
from shared.settings import CommonSettings
from shared.store import Store

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Resources:
    """Connections, settings and the clock.

    `owner` names this process in run records; `runs_folder` (absolute) holds what runs work on;
    `under_way` has the ids of the runs that this process carries on.
    """

    common: CommonSettings
    settings: TrainerSettings
    database: Database
    store: Store
    projects: Projects
    queue: QueueClient
    bells: Doorbells
    leases: Leases
    documents: Documents
    now: Callable[[], datetime]
    owner: str
    runs_folder: Path
    under_way: set[str] = field(default_factory=set)

    async def close(self) -> None:
        """Give the projects back, and close what was connected."""
        await self.leases.release()
        await self.queue.close()
        await self.database.dispose()
