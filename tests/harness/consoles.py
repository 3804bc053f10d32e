"""A console of a running review queue."""

import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from services.console.app import create_app
from services.console.settings import ConsoleSettings
from services.console.web.session import COOKIE, read_token
from shared.settings import CommonSettings
from tests.harness import client, serve
from tests.harness.chart_bundle import share_chart_bundle
from tests.harness.desk import Desk, body_of
from tests.harness.settings import common_settings

# No service listens there.
AWAY = "http://127.0.0.1:9"


@contextlib.asynccontextmanager
async def console_at(
    review_queue: str, common: CommonSettings, **settings: Any
) -> AsyncIterator[str]:
    """Serve a console while the block lasts; router and trainer are away."""
    wired = common.model_copy(update={"review_queue_url": review_queue, "trainer_url": AWAY})
    own = ConsoleSettings(router_url=AWAY, **settings)
    # Each console whose form of signing in is opened would make the script of charts anew.
    await share_chart_bundle(wired.home)
    async with serve(create_app(wired, own)) as url:
        yield url


class Visitor:
    """A browser at a console, as far as cookies, forms and the header `Origin` go."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = client(url)
        self.origin = {"Origin": url}

    async def enter(self, code: str) -> httpx.Response:
        return await self.http.post("/enter", data={"code": code}, headers=self.origin)

    async def sign_in(self, token: str) -> httpx.Response:
        return await self.http.post("/sign-in", data={"token": token}, headers=self.origin)

    async def post(self, path: str, payload: Any = None) -> httpx.Response:
        """What a script sends."""
        return await self.http.post(path, json=payload, headers=self.origin)

    async def submit(self, path: str, **fields: str) -> httpx.Response:
        """A form of a page of this session."""
        session = read_token(self.http.cookies[COOKIE])
        assert session is not None
        data = {**fields, "csrf": session.csrf}
        return await self.http.post(path, data=data, headers=self.origin)


@contextlib.asynccontextmanager
async def visiting(desk: Desk, **settings: Any) -> AsyncIterator[Visitor]:
    """Serve a console of the review queue while the block lasts, and visit it."""
    with tempfile.TemporaryDirectory() as home:
        common = common_settings(Path(home), desk.keys, "")
        async with console_at(desk.base_url, common, **settings) as url:
            visitor = Visitor(url)
            try:
                yield visitor
            finally:
                await visitor.http.aclose()


async def link(desk: Desk, reviewer: str = "anna", **changes: Any) -> str:
    """Make a link to the project; return its code."""
    body = {"subject": reviewer, **changes}
    return str(body_of(await desk.operator.post(desk.path("links"), json=body))["code"])
