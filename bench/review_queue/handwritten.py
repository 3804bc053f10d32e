"""The least that does a reviewer's work, as one would write it by hand: tables, SQL, a small app.

    python -m bench.review_queue.handwritten DATABASE_URL PORT

Starlette over uvicorn, psycopg, four connections. A lease is one statement; a verdict writes
verdict, outcome, outbox and task in one transaction. It believes each reviewer's name, and knows no
projects' rules, overlap, gold, lanes, repeated requests or expired leases beyond a time stamp.
"""

import asyncio
import contextlib
import secrets
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
import uvicorn
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.review_queue.databases import EXAMPLE_TEXT, Queue

_CONNECTIONS = 4

SCHEMA = """
CREATE TABLE tasks (
    task_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project text NOT NULL, item_id text NOT NULL, data jsonb NOT NULL,
    state text NOT NULL DEFAULT 'open', priority smallint NOT NULL DEFAULT 0,
    reviewer text, token text, expires_at timestamptz, label text);
CREATE INDEX open_tasks ON tasks (project, priority DESC, task_id) WHERE state = 'open';
CREATE UNIQUE INDEX leased_tasks ON tasks (token) WHERE state = 'leased';
CREATE TABLE verdicts (
    verdict_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id bigint NOT NULL REFERENCES tasks, reviewer text NOT NULL, label text NOT NULL,
    active_seconds double precision, given_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (task_id, reviewer));
CREATE TABLE outcomes (
    task_id bigint PRIMARY KEY REFERENCES tasks, project text NOT NULL, item_id text NOT NULL,
    label text NOT NULL, resolved_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE outbox (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload jsonb NOT NULL);
"""
_FILL = (
    "INSERT INTO tasks (project, item_id, data) SELECT :project, 'item-' || n, "
    "jsonb_build_object('text', CAST(:text AS text)) FROM generate_series(1, :tasks) AS n"
)
_COUNT = (
    "SELECT (SELECT count(*) FROM outcomes WHERE project = :project), "
    "(SELECT count(*) FROM verdicts JOIN tasks USING (task_id) WHERE project = :project)"
)

# By priority first, as `open_tasks` is ordered: by task_id alone PostgreSQL walks the primary key,
# and so each resolved task.
_CLAIM = """
UPDATE tasks SET state = 'leased', reviewer = %s, token = %s,
    expires_at = now() + interval '10 minutes'
WHERE task_id = (SELECT task_id FROM tasks WHERE project = %s AND state = 'open'
    ORDER BY priority DESC, task_id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING task_id, item_id, data"""
_RESOLVE = """
UPDATE tasks SET state = 'resolved', label = %s
WHERE token = %s AND state = 'leased' AND reviewer = %s AND expires_at > now()
RETURNING task_id, project, item_id"""
_VERDICT = "INSERT INTO verdicts (task_id, reviewer, label, active_seconds) VALUES (%s, %s, %s, %s)"
_OUTCOME = "INSERT INTO outcomes (task_id, project, item_id, label) VALUES (%s, %s, %s, %s)"
_EVENT = "INSERT INTO outbox (payload) VALUES (%s)"


@dataclass(frozen=True)
class HandWrittenQueue(Queue):
    """A database with the tables above."""

    async def prepare(self) -> None:
        """Make the tables."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql(SCHEMA)

    def fill(self, project: str, tasks: int) -> None:
        """Make so many open tasks."""
        with self.engine.begin() as connection:
            of_project = {"project": project, "text": EXAMPLE_TEXT, "tasks": tasks}
            connection.execute(text(_FILL), of_project)
        self.vacuum()

    def resolved(self, project: str) -> tuple[int, int]:
        """Return how many tasks of a project have an outcome, and how many verdicts they have."""
        with self.engine.connect() as connection:
            outcomes, verdicts = connection.execute(text(_COUNT), {"project": project}).one()
        return outcomes, verdicts


class App:
    """The two routes, over a handful of connections."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._free: asyncio.Queue[psycopg.AsyncConnection[Any]] = asyncio.Queue()

    @contextlib.asynccontextmanager
    async def lifespan(self, served: Starlette) -> AsyncIterator[None]:
        """Open the connections."""
        del served
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(_CONNECTIONS):
                connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
                connection.prepare_threshold = 0
                self._free.put_nowait(await stack.enter_async_context(connection))
            yield

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        connection = await self._free.get()
        try:
            yield connection
        finally:
            self._free.put_nowait(connection)

    async def lease(self, request: Request) -> Response:
        """Claim the project's next open task."""
        token = secrets.token_urlsafe(32)
        claim = (_reviewer(request), token, request.path_params["project"])
        async with self._connection() as connection:
            row = await (await connection.execute(_CLAIM, claim)).fetchone()
        if row is None:
            return _json({"leases": []})
        task = {"task_id": str(row[0]), "item_id": row[1], "data": row[2]}
        return _json({"leases": [{"token": token, "task": task}]})

    async def verdict(self, request: Request) -> Response:
        """Resolve a leased task."""
        body = orjson.loads(await request.body())
        reviewer, label = _reviewer(request), body["label"]
        async with self._connection() as connection, connection.transaction():
            held = (label, request.path_params["token"], reviewer)
            row = await (await connection.execute(_RESOLVE, held)).fetchone()
            if row is None:
                return _json({"title": "lease expired"}, 409)
            task_id, project, item_id = row
            given = (task_id, reviewer, label, body["active_seconds"])
            event = orjson.dumps({"project": project, "item_id": item_id, "label": label}).decode()
            async with connection.pipeline():
                await connection.execute(_VERDICT, given)
                await connection.execute(_OUTCOME, (task_id, project, item_id, label))
                await connection.execute(_EVENT, (event,))
        return _json({"task_id": str(task_id), "state": "resolved"})


def _reviewer(request: Request) -> str:
    return request.headers["authorization"].removeprefix("Bearer ")


def _json(document: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")


def main() -> None:
    """Serve."""
    url, port = sys.argv[1:]
    app = App(url)
    routes = [
        Route("/v1/projects/{project}/leases", app.lease, methods=["POST"]),
        Route("/v1/leases/{token}/verdict", app.verdict, methods=["POST"]),
    ]
    served = Starlette(routes=routes, lifespan=app.lifespan)
    uvicorn.run(served, host="127.0.0.1", port=int(port), access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
