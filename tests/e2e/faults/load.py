"""Callers and a reviewer who go on whatever they are answered, and count what was accepted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx

from tests.e2e.faults.site import Site

# Modest: what is measured is what is lost, not how fast it goes.
_PACE_SECONDS = 0.05
_CALLERS = 2


@dataclass
class Load:
    """What was accepted: the rows that the decision log must have, tasks, and verdicts."""

    decisions: int = 0
    tasks: set[str] = field(default_factory=set)
    answers: int = 0
    verdicts: set[str] = field(default_factory=set)
    refused: int = 0
    _stopping: bool = False

    async def call(self, caller: httpx.AsyncClient, name: int) -> None:
        """Send a new item with an old one, again and again until the call is accepted."""
        n = 0
        while not self._stopping:
            items = [_item(name, n), _item(name, n // 2)][: 1 + (n > 0)]
            answer = await caller.post("/v1/projects/shop/predict", json={"items": items})
            if self._is_accepted(answer):
                n += 1
                for one in answer.json()["predictions"]:
                    self.decisions += 1
                    self.answers += one["decision"] == "answered"
                    if one["decision"] == "in_review":
                        self.tasks.add(one["item_id"])
            await asyncio.sleep(_PACE_SECONDS)

    async def review(self, reviewer: httpx.AsyncClient) -> None:
        """Answer one task after another, each until its verdict is accepted or its lease over."""
        while not self._stopping:
            await asyncio.sleep(_PACE_SECONDS)
            asked = await reviewer.post("/v1/projects/shop/leases", json={"count": 1})
            for lease in asked.json()["leases"] if self._is_accepted(asked) else []:
                address, body = f"/v1/leases/{lease['token']}/verdict", {"label": "positive"}
                while not self._stopping:
                    given = await reviewer.post(address, json=body)
                    if self._is_accepted(given):
                        self.verdicts.add(lease["task"]["item_id"])
                        break
                    await asyncio.sleep(_PACE_SECONDS)

    def _is_accepted(self, answer: httpx.Response) -> bool:
        accepted = answer.status_code == httpx.codes.OK
        if not accepted:
            assert answer.is_server_error, (answer.status_code, answer.text)
            self.refused += 1
        return accepted

    def stop(self) -> None:
        """Let all of them end after the call under way."""
        self._stopping = True


@contextlib.asynccontextmanager
async def load_on(site: Site) -> AsyncIterator[Load]:
    """Load the site while the block lasts."""
    load = Load()
    async with (
        site.client("router", "caller") as caller,
        site.client("review_queue", "reviewer") as reviewer,
        asyncio.TaskGroup() as group,
    ):
        for name in range(_CALLERS):
            group.create_task(load.call(caller, name))
        group.create_task(load.review(reviewer))
        try:
            yield load
        finally:
            load.stop()


def _item(name: int, n: int) -> dict[str, object]:
    return {"item_id": f"{name}-{n}", "data": {"score": n / 1000}}
