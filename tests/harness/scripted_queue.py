"""The other side of the hand-off over real HTTP, for answers that a healthy queue never gives."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

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

    def app(self) -> Starlette:
        """Return the application to serve."""
        path = "/v1/projects/{project}"
        return Starlette(
            routes=[
                Route(f"{path}/queue", self._forecast),
                Route(f"{path}/tasks", self._tasks, methods=["POST"]),
                Route(f"{path}/outcomes", self._page),
                Route(f"{path}/outcomes", self._outcomes, methods=["POST"]),
            ]
        )

    async def _forecast(self, _: Request) -> Response:
        return _json({"optional_delay_seconds": self.optional_delay})

    async def _tasks(self, request: Request) -> Response:
        project = request.path_params["project"]
        given: list[Task] = orjson.loads(await request.body())["tasks"]
        await asyncio.sleep(self.seconds_per_task * len(given))
        scripted = self.script(project, given)
        if scripted is not None:
            return scripted
        self.batches.append((project, given))
        return _json({"tasks": [self._receipt(project, task["item_id"]) for task in given]})

    async def _page(self, request: Request) -> Response:
        self.read.append(request.query_params)
        page = self.feed(request.query_params)
        return page if isinstance(page, Response) else _json(page)

    async def _outcomes(self, request: Request) -> Response:
        item_ids = orjson.loads(await request.body())["item_ids"]
        self.looks.append(item_ids)
        found = [self.outcomes[item_id] for item_id in item_ids if item_id in self.outcomes]
        for outcome in found:
            if isinstance(outcome, Problem):
                return outcome.response()
        return _json({"outcomes": found})

    def _receipt(self, project: str, item_id: str) -> dict[str, Any]:
        receipt = {"item_id": item_id, "task_id": task_id_for(project, item_id)}
        return {**receipt, "status": "created", "state": "open", **self.status.get(item_id, {})}


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
