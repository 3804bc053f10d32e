"""A real Chromium, and a watch on all that its pages do."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
_LOST_CONNECTION = "net::ERR_INTERNET_DISCONNECTED"
_AXE_FAULTS = {"serious", "critical"}
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}


def chromium_path() -> str:
    """Where Chromium is; tests/system-packages.sh sees to it that there is one.

    The headless shell is the same engine without a desktop's services: a third of the work.
    """
    installed = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    path = os.environ.get("CHROMIUM") or installed
    assert path, "run tests/system-packages.sh first"
    return path


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A running browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Watched:
    """A browser context whose pages may say no error but `expected`, and ask only `base_url`."""

    context: BrowserContext
    base_url: str
    expected: str = _LOST_CONNECTION
    faults: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Begin to note faults."""
        self.context.on("console", self._console)
        self.context.on("weberror", lambda error: self.faults.append(str(error.error)))
        self.context.on("request", lambda request: self._request(request.url))
        for ended in ("requestfinished", "requestfailed"):
            self.context.on(ended, lambda request: self._ended(request.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and self.expected not in message.text:
            self.faults.append(message.text)

    def _ended(self, url: str) -> None:
        if url in self.unanswered:
            self.unanswered.remove(url)

    def _request(self, url: str) -> None:
        self.unanswered.append(url)
        if not url.startswith((self.base_url, "data:", "about:")):
            self.faults.append(f"asked {url}")


@contextlib.asynccontextmanager
async def watched(browser: Browser, base_url: str, **options: Any) -> AsyncIterator[Watched]:
    """A fresh context; that anything was at fault fails the test at its end."""
    context = await browser.new_context(base_url=base_url, **options)
    context.set_default_timeout(120_000)
    one = Watched(context, base_url)
    one.watch()
    try:
        yield one
    except BaseException as fault:
        fault.add_note(f"said by the browser: {one.faults}; unanswered: {one.unanswered}")
        raise
    finally:
        await context.close()
    assert one.faults == []


async def barriers(page: Page) -> list[str]:
    """What axe finds of serious or critical barriers."""
    found = await Axe().run(page)
    return [
        f"{fault['id']}: {fault['help']}: {[node['html'] for node in fault['nodes']]}"
        for fault in found.response["violations"]
        if fault["impact"] in _AXE_FAULTS
    ]
