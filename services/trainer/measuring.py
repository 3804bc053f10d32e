"""The trainer's gauges: the promise and its evidence, as the database has them."""

from collections import defaultdict
from collections.abc import Sequence

from services.trainer.documents.status import channels_of, status_of
from services.trainer.metrics import AUDITS, EXPIRES, PROMISE, RUNS, WATCHED_UNTIL
from services.trainer.projects.repository import in_service, states
from services.trainer.resources import Resources
from services.trainer.runs.repository import count_by_state
from services.trainer.tables import ProjectState, Version
from services.trainer.watch.repository import audit_counts
from shared.measuring import DatabaseMeasurement, Measured


class TrainerMeasurement(DatabaseMeasurement):
    """Measures the state of every project."""

    def __init__(self, resources: Resources) -> None:
        super().__init__(PROMISE, EXPIRES, WATCHED_UNTIL, AUDITS, RUNS)
        self._resources = resources

    async def read(self, measured: Measured) -> None:
        """Put the values in; projects that were never used have a share of three queries."""
        async with self._resources.database.reading() as session:
            known = await states(session)
            versions: dict[str, list[Version]] = defaultdict(list)
            for version in await in_service(session):
                versions[version.project].append(version)
            measured[RUNS].update(await count_by_state(session))
        for state in known:
            if state.watched_until is not None:
                measured[WATCHED_UNTIL][state.project,] = state.watched_until.timestamp()
            if state.next_version > 1 or state.ledger_day is not None:
                await self._add(state, versions[state.project], measured)

    async def _add(
        self, state: ProjectState, versions: Sequence[Version], measured: Measured
    ) -> None:
        name = state.project
        async with self._resources.database.reading() as session:
            audits = await audit_counts(session, name)
        for one in audits:
            waiting, right = one.audited - one.resolved, one.resolved - one.errors
            for result, count in (("waiting", waiting), ("right", right), ("wrong", one.errors)):
                measured[AUDITS][name, one.version, result] = count
        project = await self._resources.projects.last(name) if versions else None
        if project is None:
            return
        for version in versions:
            status = status_of(version, project, state, self._resources.now()).state
            channels = [one for one in channels_of(version.version, state) if one != "previous"]
            role = channels[0] if channels else "none"
            measured[PROMISE][name, version.version, role, status] = 1
            if version.expires_at is not None:
                measured[EXPIRES][name, version.version] = version.expires_at.timestamp()
