"""All services of an installation in the test's loop, with a project that has a certificate."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from services.console.app import create_app as create_console
from services.console.settings import ConsoleSettings
from services.router.app import create_app as create_router
from services.router.settings import RouterSettings
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness import client, serve, wait_until
from tests.harness.chart_bundle import share_chart_bundle
from tests.harness.settings import common_settings
from tests.harness.trainer_and_queue import PROJECT, TrainerAndQueue, review, run_trainer_and_queue

HOSTILE = '<script>alert(1)</script> {{ 7 * 7 }} \u202egnirts\' "onload="x'


@dataclass
class Installed:
    """A console, and clients of the services that it speaks to."""

    url: str
    keys: Keys
    common: CommonSettings
    both: TrainerAndQueue
    router: httpx.AsyncClient

    @property
    def operator(self) -> str:
        """An operator's token."""
        return self.keys.issue("operator", "olga")


@contextlib.asynccontextmanager
async def console_of(
    common: CommonSettings, trainer: str, router: str = "http://127.0.0.1:9"
) -> AsyncIterator[str]:
    """Serve a console of the services at these addresses; give its base URL."""
    wired = common.model_copy(update={"trainer_url": trainer})
    async with serve(create_console(wired, ConsoleSettings(router_url=router))) as url:
        yield url


@contextlib.asynccontextmanager
async def installation(home: Path, redis_url: str) -> AsyncIterator[Installed]:
    """Serve router, review queue, trainer and console on an empty home."""
    keys = Keys(home / "keys")
    # Its services are idle while a test looks at a page: doorbells wake them, and polls are seldom.
    common = common_settings(home, keys, redis_url).model_copy(update={"poll_seconds": 2.0})
    await share_chart_bundle(common.home)
    trainer_url = f"sqlite+aiosqlite:///{home / 'trainer.db'}"
    async with contextlib.AsyncExitStack() as stack:
        both = await stack.enter_async_context(run_trainer_and_queue(common, keys, trainer_url))
        trainer = str(both.trainer.base_url)
        wired = both.common.model_copy(update={"trainer_url": trainer})
        base = await stack.enter_async_context(serve(create_router(wired, RouterSettings())))
        url = await stack.enter_async_context(console_of(wired, trainer, base))
        router = await stack.enter_async_context(client(base, keys.issue("caller", "app")))
        yield Installed(url, keys, wired, both, router)


async def certify(installed: Installed) -> None:
    """Give the project a certified version, traffic, audits, gold and a disputed task."""
    both = installed.both
    await both.put_project(review={"max_overlap": 2})
    await both.import_pool(0, 400)
    await both.label_and_train()
    await both.certificate("certified", answering=True)

    async def answers() -> bool:
        said = await predict(installed, 1_000, 1_010)
        return any(one["decision"] == "answered" for one in said)

    await wait_until(answers)
    await predict(installed, 2_000, 2_100)
    hostile = {"item_id": HOSTILE, "data": {"text": HOSTILE}, "metadata": {"channel": HOSTILE}}
    await installed.router.post(
        f"/v1/projects/{PROJECT}/predict", json={"items": [hostile], "review": "always"}
    )

    async def logged() -> bool:
        rows = (await both.get("decisions?limit=1000"))["decisions"]
        return len(rows) >= 100

    await wait_until(logged)


async def predict(installed: Installed, start: int, stop: int) -> list[dict[str, Any]]:
    """Predict reviews by their numbers."""
    items = [{"item_id": f"live-{i}", "data": review(i)} for i in range(start, stop)]
    said = await installed.router.post(f"/v1/projects/{PROJECT}/predict", json={"items": items})
    assert said.is_success, said.text
    return list(said.json()["predictions"])
