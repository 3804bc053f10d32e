"""A version that may take the champion's place."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.trainer.gate import repository
from services.trainer.tables import ProjectState, Version
from shared.contracts.projects import Project
from shared.db import Session


@dataclass(frozen=True)
class Candidacy:
    """A version to be judged, or to serve, now: in a transaction that has locked `state`."""

    session: Session
    project: Project
    state: ProjectState
    version: Version
    now: datetime

    def note(self, kind: str, **what: Any) -> None:
        """Add a line about the version to the history; `what` as `repository.note` takes it."""
        repository.note(self.session, self.state, kind, self.version.version, self.now, **what)

    def keep(self, step: str, document: dict[str, Any]) -> None:
        """Keep with the version what a step of its way has come to."""
        self.version.gate = {**self.version.gate, step: document}
