"""An installation with data for all tests of the session, and browsers that are signed in."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from services.console.web.session import COOKIE
from shared.auth import Role
from tests.console.installation import Installed, certify, installation
from tests.harness.browser import Watched, chromium, watched
from tests.harness.trainer_and_queue import PROJECT

# A busy machine must not fail a page that is right.
expect.set_options(timeout=120_000)


class SignedIn(Protocol):
    """Opens an empty page in a browser that has signed in."""

    def __call__(
        self, *, role: Role = "operator", projects: list[str] | None = None, **options: Any
    ) -> AbstractAsyncContextManager[tuple[Page, Watched]]: ...


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def installed(
    tmp_path_factory: pytest.TempPathFactory, redis_url: str
) -> AsyncIterator[Installed]:
    """One for all tests: a test that changes a project makes one of its own."""
    async with installation(tmp_path_factory.mktemp("console"), redis_url) as running:
        await certify(running)
        yield running


@pytest.fixture
def signed_in(installed: Installed, browser: Browser) -> SignedIn:
    @contextlib.asynccontextmanager
    async def signed_in(
        *, role: Role = "operator", projects: list[str] | None = None, **options: Any
    ) -> AsyncIterator[tuple[Page, Watched]]:
        token = installed.keys.issue(role, "olga", projects=projects)
        async with watched(browser, installed.url, **options) as one:
            await sign_in(one.context, token, installed.url)
            yield await one.context.new_page(), one

    return signed_in


async def sign_in(context: BrowserContext, token: str, url: str) -> None:
    """Give a browser the cookie of a session; `test_signing_in` tests the form that gives it."""
    await context.add_cookies([{"name": COOKIE, "value": token, "url": url}])


@pytest.fixture
def project() -> str:
    """The name of the project with data."""
    return PROJECT
