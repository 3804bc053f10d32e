"""The other side of the hand-off over real HTTP, for answers that a healthy queue never gives."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response

from shared.contracts.base import task_id_for
from shared.problems import NotFound, Problem

Task = dict[str, Any]
Script = Callable[[str, list[Task]], Response | None]


@dataclass
class ScriptedQueue:
    """Takes tasks and remembers the order; `script` may answer a batch in its place."""

    script: Script = lambda project, tasks: None
    status: dict[str, dict[str, Any]] = field(default_factory=dict)
    batches: list[tuple[str, list[Task]]] = field(default_factory=list)
    outcomes: dict[str, Any] = field(default_factory=dict)

    @property
    def item_ids(self) -> list[str]:
        """Item ids in the order in which they were taken in."""
        return [task["item_id"] for _, tasks in self.batches for task in tasks]

    def app(self) -> FastAPI:
        """Return the application to serve."""
        app = FastAPI()

        @app.post("/v1/projects/{project}/tasks")
        async def tasks(project: str, request: Request) -> Response:
            given: list[Task] = orjson.loads(await request.body())["tasks"]
            scripted = self.script(project, given)
            if scripted is not None:
                return scripted
            self.batches.append((project, given))
            receipts = [self._receipt(project, task["item_id"]) for task in given]
            return Response(orjson.dumps({"tasks": receipts}), media_type="application/json")

        @app.get("/v1/projects/{project}/outcomes/{item_id:path}")
        async def outcome(project: str, item_id: str) -> Response:
            found = self.outcomes.get(item_id)
            if isinstance(found, Problem):
                return found.response()
            if found is None:
                return NotFound("There is no such item.", item_id=item_id).response()
            return Response(orjson.dumps(found), media_type="application/json")

        return app

    def _receipt(self, project: str, item_id: str) -> dict[str, Any]:
        receipt = {"item_id": item_id, "task_id": task_id_for(project, item_id)}
        return {**receipt, "status": "created", "state": "open", **self.status.get(item_id, {})}
