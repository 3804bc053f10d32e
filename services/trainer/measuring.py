"""The trainer's gauges: the promise and its evidence, as the database has them."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.trainer.documents.repository import all_in_service
from services.trainer.documents.status import standing_of
from services.trainer.metrics import AUDITS, EXPIRES, PROMISE, RUNS, WATCHED_UNTIL
from services.trainer.projects.repository import states
from services.trainer.promise import repository as promise
from services.trainer.resources import Resources
from services.trainer.runs import repository as runs
from services.trainer.tables import ProjectState, Version
from shared.measuring import measuring_loop
from shared.metrics import LabelledGauge

Values = dict[tuple[str, ...], float]


@dataclass
class _Measured:
    """The values of all gauges, by their labels."""

    promise: Values = field(default_factory=dict)
    expires: Values = field(default_factory=dict)
    watched: Values = field(default_factory=dict)
    audits: Values = field(default_factory=dict)
    runs: Values = field(default_factory=dict)


class TrainerMeasurement:
    """Reads every project's state and sets the gauges; each replica sets the same values."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self.loop = measuring_loop(self.measure)
        self._gauges: Mapping[str, LabelledGauge] = {
            "promise": LabelledGauge(PROMISE),
            "expires": LabelledGauge(EXPIRES),
            "watched": LabelledGauge(WATCHED_UNTIL),
            "audits": LabelledGauge(AUDITS),
            "runs": LabelledGauge(RUNS),
        }

    async def measure(self) -> None:
        """Set the gauges: the few that have versions cost more than a share of three queries."""
        measured = _Measured()
        async with self._resources.database.reading() as session:
            known = await states(session)
            in_service = await all_in_service(session)
            measured.runs |= await runs.count_by_state(session)
        for state in known:
            if state.watched_until is not None:
                measured.watched[state.project,] = state.watched_until.timestamp()
            if state.next_version > 1:
                await self._add(state, in_service.get(state.project, []), measured)
        self._show(measured)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Measure while the block lasts; show nothing of the past after it."""
        try:
            async with self.loop.running():
                yield
        finally:
            self.clear()

    def clear(self) -> None:
        """Show nothing any more."""
        self._show(_Measured())

    def _show(self, measured: _Measured) -> None:
        for name, gauge in self._gauges.items():
            gauge.show(getattr(measured, name))

    async def _add(
        self, state: ProjectState, versions: Sequence[Version], measured: _Measured
    ) -> None:
        name = state.project
        async with self._resources.database.reading() as session:
            audits = await promise.audit_counts(session, name)
        for one in audits:
            waiting, right = one.audited - one.resolved, one.resolved - one.errors
            for result, count in (("waiting", waiting), ("right", right), ("wrong", one.errors)):
                measured.audits[name, one.version, result] = count
        project = await self._resources.projects.last(name) if versions else None
        if project is None:
            return
        for version in versions:
            standing = standing_of(version, project, self._resources.now())
            measured.promise[name, version.version, _role(version, state), standing] = 1
            if version.expires_at is not None:
                measured.expires[name, version.version] = version.expires_at.timestamp()


def _role(version: Version, state: ProjectState) -> str:
    if version.version == state.champion:
        return "champion"
    if version.version == state.challenger:
        return "challenger"
    return "shadow" if version.version in state.shadow else "none"
