"""A review queue, a browser, and reviewers who enter by their links."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness.browser import Watched, chromium, watched
from tests.harness.clock import Clock
from tests.harness.consoles import console_at
from tests.harness.databases import create_tables
from tests.harness.desk import Desk, body_of, open_desk

# A busy machine must not fail a page that is right.
expect.set_options(timeout=120_000)

# Nor may it make a page give up on a reply: three seconds of patience are two minutes here.
PATIENT = """const soon = setTimeout;
window.setTimeout = (done, wait, ...rest) => soon(done, wait === 3000 ? 120_000 : wait, ...rest);"""


class Enter(Protocol):
    """Lets a reviewer enter, in a browser context of his own; tests turn an `own_clock`."""

    def __call__(
        self, reviewer: str, *, own_clock: bool = False, by_enter: bool = False, **options: Any
    ) -> AbstractAsyncContextManager[tuple[Page, Watched]]: ...


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    # What is of today in the browser is so in the review queue.
    clock.moment = datetime.now(UTC)
    return clock


@pytest_asyncio.fixture(loop_scope="session")
async def desk(
    common: CommonSettings, keys: Keys, clock: Clock, sqlite_url: str
) -> AsyncIterator[Desk]:
    await create_tables("review_queue", sqlite_url)
    settings = ReviewQueueSettings(database_url=sqlite_url)
    async with open_desk(common, settings, keys, clock) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def console(desk: Desk, common: CommonSettings) -> AsyncIterator[str]:
    """The address of a console of this review queue."""
    async with console_at(desk.base_url, common) as url:
        yield url


# One for all tests, which therefore run in one loop: starting it takes longer than most of them.
@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


async def link_of(desk: Desk, reviewer: str) -> str:
    """A path: the review queue does not know where the console is."""
    answer = await desk.operator.post("/v1/projects/shop/links", json={"subject": reviewer})
    return str(body_of(answer)["url"])


@pytest.fixture
def enter(desk: Desk, console: str, browser: Browser) -> Enter:
    @contextlib.asynccontextmanager
    async def enter(
        reviewer: str, *, own_clock: bool = False, by_enter: bool = False, **options: Any
    ) -> AsyncIterator[tuple[Page, Watched]]:
        async with watched(browser, console, **options) as one:
            if own_clock:
                await one.context.clock.install()
            else:
                await one.context.add_init_script(PATIENT)
            page = await one.context.new_page()
            await page.goto(await link_of(desk, reviewer))
            start = page.get_by_role("button", name="Start")
            if by_enter:
                await expect(start).to_be_focused()
                await page.keyboard.press("Enter")
            else:
                await start.click()
            await page.wait_for_url("**/review/shop")
            yield page, one

    return enter


@pytest_asyncio.fixture(loop_scope="session")
async def operator_page(console: str, browser: Browser) -> AsyncIterator[Page]:
    async with watched(browser, console) as one:
        # A refusal of the page that was opened is an error of the console's too.
        one.expected = "the server responded with a status of 40"
        yield await one.context.new_page()


async def sign_in(page: Page, desk: Desk) -> None:
    """Enter with an operator's token."""
    await page.goto("/sign-in?next=/review/shop")
    await page.get_by_label("Token").fill(desk.keys.issue("operator", "olga"))
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/review/shop")


async def read_instructions(page: Page) -> None:
    """Say that one has read them, and wait for the first item."""
    # Before its scripts have run, the button does nothing.
    await page.wait_for_load_state()
    await page.get_by_role("button", name="I have read it").click()
    await expect(page.locator(".task")).to_be_visible()


async def shown(page: Page) -> str:
    """The item that the page shows."""
    return str(await page.locator(".task .item-id bdi").inner_text())
