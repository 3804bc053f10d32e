"""A review queue in memory, over real HTTP: it can be away, refuse tasks, and answer at once.

The loop against the real review queue is tested end to end; here its faults are needed.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response

from shared.contracts.base import rfc3339, task_id_for, utc_now
from shared.problems import Conflict

Truth = Callable[[dict[str, Any]], str | None]


def _json(body: Any) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


class FeedRestarted(Conflict):
    """As the review queue says it."""

    kind, title = "feed-restarted", "Feed was restarted"


@dataclass
class StandInQueue:
    """Keeps tasks by item; `answer` turns them into outcomes of the feed."""

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    feed: list[dict[str, Any]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    is_away: bool = False
    posts: int = 0
    epoch: int = 1
    given_epoch: int | None = None
    human_error: dict[str, int] = field(default_factory=dict)
    others_answer: bool = False
    doubted: list[tuple[str, int]] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    can_withdraw: bool = True
    withdrawn: list[str] = field(default_factory=list)
    while_read: Callable[[], None] | None = None
    now: Callable[[], datetime] = utc_now

    def app(self) -> FastAPI:
        """Return the application to serve."""
        # Starlette's routes: nearly every test has an application of its own, and FastAPI's take
        # longer to make, and to answer.
        app, project = FastAPI(), "/v1/projects/{project}"
        app.add_route("/healthz", self._healthz)
        app.add_route(f"{project}/outcomes", self._outcomes)
        app.add_route(f"{project}/human-error", self._human_error)
        app.add_route(f"{project}/second-opinions", self._second_opinions, ["POST"])
        app.add_route(f"{project}/withdrawals", self._withdrawals, ["POST"])
        app.add_route(f"{project}/tasks", self._tasks, ["POST"])
        return app

    async def _healthz(self, _request: Request) -> Response:
        return Response(status_code=503 if self.is_away else 200)

    async def _outcomes(self, request: Request) -> Response:
        after = request.query_params.get("after", "")
        limit = int(request.query_params.get("limit", 100))
        if self.is_away:
            return Response(status_code=503)
        if self.while_read is not None:
            self.while_read()
        epoch, start = map(int, base64.urlsafe_b64decode(after).split(b".")) if after else (0, 0)
        if after and epoch != self.epoch:
            return FeedRestarted("Read it from its start.").response()
        page = self.feed[start : start + limit]
        given = self.epoch if self.given_epoch is None else self.given_epoch
        place = f"{given}.{start + len(page)}"
        cursor = base64.urlsafe_b64encode(place.encode()).decode()
        return _json({"outcomes": page, "cursor": cursor})

    async def _human_error(self, _request: Request) -> Response:
        return _json(self.human_error)

    async def _second_opinions(self, request: Request) -> Response:
        items = (await request.json())["items"]
        self.doubted += [(one["item_id"], one["revision"]) for one in items]
        status = "asked" if self.others_answer else "no_reviewer"
        return _json({"items": [{"item_id": one["item_id"], "status": status} for one in items]})

    async def _withdrawals(self, request: Request) -> Response:
        if self.is_away or not self.can_withdraw:
            return Response(status_code=503 if self.is_away else 404)
        item_ids = (await request.json())["item_ids"]
        for item_id in item_ids:
            if item_id not in self.held:
                self.tasks.pop(item_id, None)
        self.withdrawn += [item_id for item_id in item_ids if item_id not in self.held]
        status = dict.fromkeys(self.held, "leased")
        return _json(
            {
                "items": [
                    {"item_id": one, "status": status.get(one, "withdrawn")} for one in item_ids
                ]
            }
        )

    async def _tasks(self, request: Request) -> Response:
        if self.is_away:
            return Response(status_code=503)
        self.posts += 1
        project = request.path_params["project"]
        return _json({"tasks": [self._take(project, t) for t in (await request.json())["tasks"]]})

    def _take(self, project: str, task: dict[str, Any]) -> dict[str, Any]:
        item_id = task["item_id"]
        status = "existing" if item_id in self.tasks else "created"
        if item_id in self.refuses:
            status = "rejected"
        elif self.tasks.get(item_id, task)["data"] != task["data"]:
            status = "conflict"
        else:
            self.tasks.setdefault(item_id, task)
        return {
            "item_id": item_id,
            "task_id": task_id_for(project, item_id),
            "status": status,
            "state": None,
            "label": None,
            "source": None,
            "detail": None,
        }

    def restore(self, outcomes: int) -> None:
        """Lose all but the first `outcomes` of the feed, and all tasks."""
        del self.feed[outcomes:]
        self.tasks.clear()
        self.epoch += 1

    def answer(self, truth: Truth, lane: str | None = None, limit: int | None = None) -> int:
        """Resolve the tasks (of a lane) that have no outcome yet, or the first; return how many."""
        known = {outcome["item_id"] for outcome in self.feed}
        todo = [
            task
            for item_id, task in self.tasks.items()
            if item_id not in known and lane in (None, task["lane"])
        ][:limit]
        for task in todo:
            self.resolve(task["item_id"], task["data"], truth(task["data"]), lane=task["lane"])
        return len(todo)

    def resolve(
        self,
        item_id: str,
        data: dict[str, Any],
        label: str | None,
        *,
        lane: str = "pool",
        revision: int = 1,
        blind: bool = True,
        propensity: float | None = None,
        **more: Any,
    ) -> None:
        """Append an outcome to the feed."""
        prediction = None if propensity is None else {"propensity": propensity}
        self.feed.append(
            {
                "item_id": item_id,
                "task_id": task_id_for("toys", item_id),
                "revision": revision,
                "data": data,
                "metadata": {},
                "lane": lane,
                "label": label,
                "source": "human",
                "verdicts": 1,
                "blind": blind,
                "prediction": prediction,
                "instructions_revision": 1,
                "resolved_at": rfc3339(self.now()),
                **more,
            }
        )
