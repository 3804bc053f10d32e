"""The statements of one lease and one verdict, recorded from the service as it is.

A contender that is to do the same in the database does not state it once more: it runs what was
recorded, with its own project, reviewer, token and task in the places where the recorded ones were.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from bench.review_queue.databases import LABELS
from services.review_queue.lifecycle.batches import BatchScheduler, Run
from services.review_queue.lifecycle.claims import ClaimService
from services.review_queue.lifecycle.draws import LeaseDraws
from services.review_queue.lifecycle.lease_times import LeaseTimes
from services.review_queue.lifecycle.moves import MoveService
from services.review_queue.projects.reading import ProjectCache
from services.review_queue.quality.gold.answering import use_probe
from services.review_queue.quality.gold.drawing import GoldDraws
from services.review_queue.quality.gold.gold_states import GoldStates
from services.review_queue.quality.reviewers.learning import KnownReviewers
from services.review_queue.repository import pipelining
from services.review_queue.repository.statements import is_postgresql
from shared.auth import Principal
from shared.contracts.base import new_id
from shared.contracts.tasks import LeaseRequest, VerdictBody
from shared.db import Database
from shared.doorbells import Doorbells

REVIEWER = "recorded-reviewer"
VERDICT = VerdictBody(label=LABELS[1], active_seconds=4.5)
_NOW = datetime(2040, 1, 1, 12, tzinfo=UTC)
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
# The first ones also read what a service remembers for a minute.
_REHEARSALS = 3

Parameters = Mapping[str, Any] | tuple[Any, ...]


@dataclass(frozen=True)
class Role:
    """A parameter whose value is each cycle's own."""

    name: str


@dataclass(frozen=True)
class Statement:
    """One statement as the driver got it; a parameter that varies is a `Role`."""

    sql: str
    parameters: Parameters

    @property
    def needs_task(self) -> bool:
        """Say whether it makes no sense before a task is claimed."""
        given = self.parameters
        values = given.values() if isinstance(given, Mapping) else given
        return any(Role("task_id") in _parts(value) for value in values)

    def filled(self, cast: Mapping[str, Any]) -> Parameters:
        """Return the parameters with the values of `cast` for their roles."""
        if isinstance(self.parameters, tuple):
            return tuple(_played(value, cast) for value in self.parameters)
        return {name: _played(value, cast) for name, value in self.parameters.items()}


@dataclass(frozen=True)
class Woven:
    """A text with roles in it, such as the JSON of several rows."""

    parts: tuple[str | Role, ...]


def _parts(value: Any) -> Sequence[Any]:
    if isinstance(value, Woven):
        return value.parts
    return value if isinstance(value, list) else [value]


def _played(value: Any, cast: Mapping[str, Any]) -> Any:
    if isinstance(value, Role):
        return new_id() if value.name == "new_id" else cast[value.name]
    if isinstance(value, Woven):
        return "".join(_played(part, cast) for part in value.parts)
    return [_played(one, cast) for one in value] if isinstance(value, list) else value


def moments(now: datetime, *, is_postgresql: bool) -> dict[str, Any]:
    """Return the roles of time, as the driver takes them."""
    expires = now + timedelta(seconds=600)
    if is_postgresql:
        return {"now": now, "expires": expires}
    return {"now": _for_sqlite(now), "expires": _for_sqlite(expires)}


def _for_sqlite(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


@dataclass
class Recorded:
    """The two transactions of one cycle, in the order of their statements."""

    lease: list[Statement] = field(default_factory=list)
    verdict: list[Statement] = field(default_factory=list)


async def record(database_url: str, project: str) -> Recorded:
    """Lease tasks of `project` and answer them; return the statements of the last time.

    As many of its tasks are used up.
    """
    database = Database(database_url)
    heard: list[tuple[str, Any]] = []
    for engine in database.engines:
        event.listen(
            engine.sync_engine,
            "before_cursor_execute",
            lambda _c, _cursor, sql, parameters, _x, many: heard.extend(
                (sql, each) for each in (parameters if many else [parameters])
            ),
        )
    claims, moves = _services(database, heard)
    who = Principal(REVIEWER, "reviewer", None, 0.0, "recorded")
    try:
        for _ in range(_REHEARSALS):
            heard.clear()
            given = await claims.lease(project, REVIEWER, LeaseRequest(), _never)
            leased = list(heard)
            heard.clear()
            (lease,) = given.leases
            await moves.submit(lease.token, VERDICT, who)
    finally:
        await database.dispose()
    roles = {
        project: "project", REVIEWER: "reviewer", lease.token: "token",
        lease.task.task_id: "task_id",
    }  # fmt: skip
    roles |= {moment: name for name, moment in
              moments(_NOW, is_postgresql=not database.is_sqlite).items()}  # fmt: skip
    return Recorded(_statements(leased, roles), _statements(heard, roles))


def _services(database: Database, heard: list[tuple[str, Any]]) -> tuple[ClaimService, MoveService]:
    def now() -> datetime:
        return _NOW

    bells, draws = Doorbells("redis://127.0.0.1:1"), LeaseDraws("bench", Random(0))
    times, gold_states = LeaseTimes(now), GoldStates(now)
    together = (BatchScheduler(database, now, _heard_by(heard)), ProjectCache(), times)
    gold, known = GoldDraws(gold_states, draws), KnownReviewers(database, now)
    claims = ClaimService(database, bells, *together, gold, draws, now, 1.0)
    use = partial(use_probe, times, gold_states)
    return claims, MoveService(*together, known.of, use, lambda: None)


def _heard_by(heard: list[tuple[str, Any]]) -> Run:
    """Return what runs statements together, and writes down those that go past SQLAlchemy."""

    async def run(
        session: AsyncSession, statements: Sequence[pipelining.Statement], *, last: bool = False
    ) -> list[pipelining.Rows]:
        if is_postgresql(session):
            heard.extend((pipelining.sql_of(one.clause), one.parameters) for one in statements)
        return await pipelining.run(session, statements, last=last)

    return run


async def _never() -> bool:
    return False


def _statements(heard: list[tuple[str, Any]], roles: Mapping[Any, str]) -> list[Statement]:
    return [
        Statement(sql, _cast(parameters, roles))
        for sql, parameters in heard
        if not sql.startswith("BEGIN")
    ]


def _cast(parameters: Any, roles: Mapping[Any, str]) -> Parameters:
    if isinstance(parameters, Mapping):
        return {name: _role_of(value, roles) for name, value in parameters.items()}
    return tuple(_role_of(value, roles) for value in parameters)


def _role_of(value: Any, roles: Mapping[Any, str]) -> Any:
    if isinstance(value, list):
        return [_role_of(one, roles) for one in value]
    if isinstance(value, datetime):
        return Role(roles[value]) if value in roles else value
    return _woven(value, roles) if isinstance(value, str) else value


def _woven(text: str, roles: Mapping[Any, str]) -> Any:
    known = "|".join(re.escape(name) for name in roles if isinstance(name, str))
    # Split by one group: what matched is every other piece.
    pieces = re.split(f"({known}|{_UUID})", text)
    parts = [
        Role(roles.get(piece, "new_id")) if number % 2 else piece
        for number, piece in enumerate(pieces)
        if piece
    ]
    if not any(isinstance(part, Role) for part in parts):
        return text
    return parts[0] if len(parts) == 1 else Woven(tuple(parts))
