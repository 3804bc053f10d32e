"""A running review queue, and the people who use it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import SecretStr

from services.review_queue.app import create_app
from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys, Role
from shared.settings import CommonSettings
from tests.harness import client, serve
from tests.harness.clock import Clock

Json = dict[str, Any]

PROJECT: Json = {
    "title": "Shop reviews",
    "labels": ["negative", "positive"],
    "fields": {"text": {"type": "text", "max_length": 100}},
    "metadata": ["channel"],
    "instructions": "Read the whole review.",
    "review": {"max_overlap": 2, "lease_seconds": 60},
}


# By which all tasks of project `shop` show their suggestion, where it shows any: a test of that is
# at a desk of its own.
SHOWING = SecretStr("the secret of these tests, number 100")


@dataclass
class Desk:
    """The base URL of a review queue, clients of it by role and name, and the test's project.

    The queue may have projects of other tests: a test names each project by `project` or `named`.
    """

    base_url: str
    keys: Keys
    clock: Clock
    database_url: str
    project: str = "shop"
    _clients: dict[tuple[str, str, str], httpx.AsyncClient] = field(default_factory=dict)

    def of(self, role: Role, subject: str = "", project: str = "") -> httpx.AsyncClient:
        """The client of one person, the same each time."""
        key = (role, subject, project)
        if key not in self._clients:
            token = self.keys.issue(role, subject or role, projects=[project] if project else None)
            self._clients[key] = client(self.base_url, token)
        return self._clients[key]

    @property
    def operator(self) -> httpx.AsyncClient:
        return self.of("operator")

    @property
    def service(self) -> httpx.AsyncClient:
        return self.of("service")

    def reviewer(self, name: str) -> httpx.AsyncClient:
        return self.of("reviewer", name)

    def named(self, name: str) -> str:
        """Return the name of another project of this test."""
        return f"{self.project}-{name}"

    def path(self, rest: str = "", project: str | None = None) -> str:
        """Return the path of the project, or of `rest` in it."""
        whole = f"/v1/projects/{project or self.project}"
        return f"{whole}/{rest}" if rest else whole

    def page(self, rest: str = "") -> str:
        """Return the path of the project's desk at the console, or of `rest` in it."""
        whole = f"/review/{self.project}"
        return f"{whole}/{rest}" if rest else whole

    async def put_project(
        self, name: str | None = None, *, allow_label_removal: bool = False, **changes: Any
    ) -> Json:
        response = await self.operator.put(
            self.path(project=name),
            json=PROJECT | changes,
            params={"allow_label_removal": allow_label_removal},
        )
        return body_of(response, 200, 201)

    async def post(self, *entries: Json, project: str | None = None) -> list[Json]:
        """Post tasks; return their receipts."""
        path = self.path("tasks", project)
        response = await self.service.post(path, json={"tasks": list(entries)})
        return list(body_of(response)["tasks"])

    async def lease(self, name: str, count: int = 1, wait_seconds: float = 0) -> list[Json]:
        response = await self.reviewer(name).post(
            self.path("leases"), json={"count": count, "wait_seconds": wait_seconds}
        )
        return list(body_of(response)["leases"])

    async def lease_one(self, name: str) -> Json:
        (lease,) = await self.lease(name)
        return lease

    async def use(
        self, name: str, token: str, what: str, payload: Json | None = None
    ) -> httpx.Response:
        """One of verdict, skip, release, renew, undo."""
        return await self.reviewer(name).post(f"/v1/leases/{token}/{what}", json=payload)

    async def verdict(self, name: str, token: str, label: str) -> Json:
        return body_of(await self.use(name, token, "verdict", {"label": label}))

    async def answer(self, name: str, label: str) -> Json:
        """Lease one task and answer it."""
        lease = await self.lease_one(name)
        return await self.verdict(name, lease["token"], label)

    async def task(self, task_id: str) -> Json:
        return body_of(await self.service.get(self.path(f"tasks/{task_id}")))

    async def kinds(self, task_id: str) -> list[str]:
        """What the task's timeline says."""
        return [line["kind"] for line in (await self.task(task_id))["timeline"]]

    async def newest(self, item_id: str) -> Json:
        """The newest outcome of an item, as the feed has it."""
        rows: list[Json] = (await self.outcomes())["outcomes"]
        return next(row for row in reversed(rows) if row["item_id"] == item_id)

    async def outcomes(self, after: str | None = None, **query: Any) -> Json:
        params = {"after": after, **query} if after else query
        return body_of(await self.service.get(self.path("outcomes"), params=params))


def entry(item_id: str, **parts: Any) -> Json:
    """An entry of a batch."""
    return {"item_id": item_id, "data": {"text": f"text of {item_id}"}, **parts}


def body_of(response: httpx.Response, *statuses: int) -> Json:
    """The body of an answer that must have one of `statuses`, by default 200."""
    assert response.status_code in (statuses or (200,)), response.text
    body: Json = response.json()
    return body


def problem_of(response: httpx.Response, status: int, kind: str) -> Json:
    """The problem document of an answer."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: Json = response.json()
    assert problem["type"] == f"urn:surehand:problem:{kind}"
    assert problem["status"] == status
    return problem


@contextlib.asynccontextmanager
async def open_desk(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> AsyncIterator[Desk]:
    """Serve a review queue while the block lasts."""
    async with (
        serve_queue(common, settings, clock) as base_url,
        at_desk(base_url, keys, clock, settings.database_url) as desk,
    ):
        yield desk


@contextlib.asynccontextmanager
async def serve_queue(
    common: CommonSettings, settings: ReviewQueueSettings, clock: Clock
) -> AsyncIterator[str]:
    """Serve a review queue while the block lasts; give its base URL."""
    known = common.model_copy(update={"secret": SHOWING})
    async with serve(create_app(known, settings, now=clock)) as base_url:
        yield base_url


@contextlib.asynccontextmanager
async def at_desk(
    base_url: str, keys: Keys, clock: Clock, database_url: str, project: str = "shop"
) -> AsyncIterator[Desk]:
    """Give a desk at a served review queue; close its clients after the block."""
    desk = Desk(base_url, keys, clock, database_url, project)
    try:
        yield desk
    finally:
        for one in desk._clients.values():
            await one.aclose()
