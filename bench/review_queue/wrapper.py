"""What a team writes first: FastAPI `def` routes, pydantic, SQLAlchemy, the same statements.

    python -m bench.review_queue.wrapper DATABASE_URL PORT

It trusts the reviewer's name in the header, and checks no lease.
"""

import asyncio
import secrets
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Header
from pydantic import BaseModel
from sqlalchemy import Engine, create_engine, event

from bench.review_queue.recording import Recorded, Statement, moments, record
from bench.review_queue.replay import RECORDING
from shared.db import plan_once

# As many as FastAPI has threads.
_CONNECTIONS = 40


class LeaseRequest(BaseModel):
    """The body of a lease."""

    count: int = 1


class Task(BaseModel):
    """What a reviewer sees."""

    task_id: str
    item_id: str
    data: dict[str, Any]


class Lease(BaseModel):
    """A claim."""

    token: str
    task: Task


class Leases(BaseModel):
    """The answer."""

    leases: list[Lease]


class VerdictBody(BaseModel):
    """The body of a verdict."""

    label: str
    active_seconds: float | None = None


class Progress(BaseModel):
    """The answer to a verdict."""

    task_id: str
    state: str


Who = Annotated[str, Header()]


def wrapper(engine: Engine, recorded: Recorded) -> FastAPI:
    """Return the application."""
    app = FastAPI()
    # A verdict's task, by the lease's token: this wrapper has one process.
    held: dict[str, tuple[str, str]] = {}

    def run(statements: Iterable[Statement], cast: dict[str, Any]) -> Any:
        claimed = None
        with engine.begin() as connection:
            for statement in statements:
                if statement.needs_task and not cast["task_id"]:
                    break
                result = connection.exec_driver_sql(statement.sql, statement.filled(cast))
                row = result.first() if result.returns_rows else None
                if row is not None and not cast["task_id"] and "task_id" in row._fields:
                    claimed, cast["task_id"] = row, row.task_id
        return claimed

    @app.post("/v1/projects/{project}/leases")
    def lease(project: str, body: LeaseRequest, authorization: Who) -> Leases:
        del body
        cast = _cast(project, authorization) | {"token": secrets.token_urlsafe(32), "task_id": ""}
        row = run(recorded.lease, cast)
        if row is None:
            return Leases(leases=[])
        held[cast["token"]] = (project, row.task_id)
        task = Task(task_id=row.task_id, item_id=row.item_id, data=row.data)
        return Leases(leases=[Lease(token=cast["token"], task=task)])

    @app.post("/v1/leases/{token}/verdict")
    def verdict(token: str, body: VerdictBody, authorization: Who) -> Progress:
        del body
        project, task_id = held.pop(token)
        run(
            recorded.verdict,
            _cast(project, authorization) | {"token": token, "task_id": task_id},
        )
        return Progress(task_id=task_id, state="resolved")

    return app


def _cast(project: str, authorization: str) -> dict[str, Any]:
    reviewer = authorization.removeprefix("Bearer ")
    now = moments(datetime.now(UTC), is_postgresql=True)
    return {"project": project, "reviewer": reviewer, **now}


def main() -> None:
    """Serve."""
    url, port = sys.argv[1:]
    recorded = asyncio.run(record(url, RECORDING))
    engine = create_engine(url, pool_size=_CONNECTIONS)
    event.listen(engine, "connect", plan_once)
    app = wrapper(engine, recorded)
    uvicorn.run(app, host="127.0.0.1", port=int(port), access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
