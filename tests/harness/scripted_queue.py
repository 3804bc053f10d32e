"""The other side of the hand-off over real HTTP, for answers that a healthy queue never gives."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response

from shared.contracts.base import task_id_for
from shared.problems import Problem

Task = dict[str, Any]
Script = Callable[[str, list[Task]], Response | None]
Feed = Callable[[Mapping[str, str]], dict[str, Any] | Response]


@dataclass
class ScriptedQueue:
    """Takes tasks and remembers the order; `script` may answer a batch in its place.

    `feed` answers the outcomes feed by its query, at once; `read` are the queries. A task takes it
    `seconds_per_task`. `optional_delay` is its forecast for optional tasks.
    """

    script: Script = lambda project, tasks: None
    status: dict[str, dict[str, Any]] = field(default_factory=dict)
    batches: list[tuple[str, list[Task]]] = field(default_factory=list)
    outcomes: dict[str, Any] = field(default_factory=dict)
    looks: list[list[str]] = field(default_factory=list)
    feed: Feed = lambda query: {"outcomes": [], "cursor": "end"}
    read: list[Mapping[str, str]] = field(default_factory=list)
    seconds_per_task: float = 0.0
    optional_delay: float | None = None

    @property
    def item_ids(self) -> list[str]:
        """Item ids in the order in which they were taken in."""
        return [task["item_id"] for _, tasks in self.batches for task in tasks]

    def app(self) -> FastAPI:
        """Return the application to serve."""
        app = FastAPI()
        app.add_api_route("/v1/projects/{project}/queue", self._forecast)

        @app.post("/v1/projects/{project}/tasks")
        async def tasks(project: str, request: Request) -> Response:
            given: list[Task] = orjson.loads(await request.body())["tasks"]
            await asyncio.sleep(self.seconds_per_task * len(given))
            scripted = self.script(project, given)
            if scripted is not None:
                return scripted
            self.batches.append((project, given))
            receipts = [self._receipt(project, task["item_id"]) for task in given]
            return Response(orjson.dumps({"tasks": receipts}), media_type="application/json")

        @app.get("/v1/projects/{project}/outcomes")
        async def feed(project: str, request: Request) -> Response:
            self.read.append(request.query_params)
            page = self.feed(request.query_params)
            if isinstance(page, Response):
                return page
            return Response(orjson.dumps(page), media_type="application/json")

        @app.post("/v1/projects/{project}/outcomes")
        async def outcomes(project: str, request: Request) -> Response:
            item_ids = orjson.loads(await request.body())["item_ids"]
            self.looks.append(item_ids)
            found = [self.outcomes[item_id] for item_id in item_ids if item_id in self.outcomes]
            for outcome in found:
                if isinstance(outcome, Problem):
                    return outcome.response()
            return Response(orjson.dumps({"outcomes": found}), media_type="application/json")

        return app

    async def _forecast(self, project: str) -> dict[str, float | None]:
        return {"optional_delay_seconds": self.optional_delay}

    def _receipt(self, project: str, item_id: str) -> dict[str, Any]:
        receipt = {"item_id": item_id, "task_id": task_id_for(project, item_id)}
        return {**receipt, "status": "created", "state": "open", **self.status.get(item_id, {})}
