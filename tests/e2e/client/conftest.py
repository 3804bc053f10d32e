"""An installation that all tests of the client share; each has a project of its own.

It runs in the tests' process, beside their loops, while one of these tests runs: other tests of the
process have it for themselves. `tests/e2e/local` tests the launcher.
"""

import contextlib
import itertools
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from services.console.app import create_app as create_console
from services.console.settings import ConsoleSettings
from services.local.home import Home
from services.review_queue.app import create_app as create_queue
from services.review_queue.settings import ReviewQueueSettings
from services.router.app import create_app as create_router
from services.router.settings import RouterSettings
from services.trainer.app import create_app as create_trainer
from services.trainer.settings import TrainerSettings
from shared.auth import Role
from surehand import AsyncSurehand, Surehand
from tests.harness import free_port, serve
from tests.harness.databases import create_tables
from tests.harness.installation import SERVICES
from tests.harness.settings import common_settings
from tests.harness.side_loop import SideLoop, entered_aside

_NUMBERS = itertools.count(1)
# The secret of all webhooks.
HOOK = "CLIENT_HOOK"
SPEC: dict[str, Any] = {
    "labels": ["negative", "positive"],
    "fields": {"text": {"type": "text"}},
    "metadata": ["channel"],
    "review": {"lease_seconds": 60, "max_overlap": 2},
}


class Installation:
    """A running installation, and clients of it."""

    def __init__(self, home: Home, addresses: dict[str, str]) -> None:
        self.home = home
        self.addresses = [addresses[name] for name in SERVICES]

    def token(self, role: Role, subject: str) -> str:
        return self.home.keys.issue(role, subject)

    def client(self, role: Role = "operator", subject: str = "olga") -> AsyncSurehand:
        router, review_queue, trainer = self.addresses
        token = self.token(role, subject)
        return AsyncSurehand(router=router, review_queue=review_queue, trainer=trainer, token=token)

    def threaded_client(self, role: Role, subject: str) -> Surehand:
        router, review_queue, trainer = self.addresses
        token = self.token(role, subject)
        return Surehand(router=router, review_queue=review_queue, trainer=trainer, token=token)


@contextlib.asynccontextmanager
async def serve_all(home: Home, redis_url: str) -> AsyncIterator[dict[str, str]]:
    """Serve all services, and say so in the home as the launcher does; give their addresses."""
    common = common_settings(home.folder, home.keys, redis_url)
    common = common.model_copy(update={"poll_seconds": 0.5})
    urls = {
        name: f"sqlite+aiosqlite:///{home.folder / name}.db" for name in ("review_queue", "trainer")
    }
    for name, url in urls.items():
        await create_tables(name, url)
    port = free_port()
    queue_settings = ReviewQueueSettings(
        database_url=urls["review_queue"],
        webhooks_allow_private=True,
        webhook_shared_secrets=HOOK,
        console_url=f"http://127.0.0.1:{port}",
    )
    async with contextlib.AsyncExitStack() as stack:
        queue = await stack.enter_async_context(serve(create_queue(common, queue_settings)))
        common = common.model_copy(update={"review_queue_url": queue})
        trainer_app = create_trainer(common, TrainerSettings(database_url=urls["trainer"]))
        trainer = await stack.enter_async_context(serve(trainer_app))
        common = common.model_copy(update={"trainer_url": trainer})
        router = await stack.enter_async_context(serve(create_router(common, RouterSettings())))
        console_app = create_console(common, ConsoleSettings(router_url=router))
        console = await stack.enter_async_context(serve(console_app, port))
        addresses = {"router": router, "review_queue": queue, "trainer": trainer}
        home.mark_ready({**addresses, "console": console})
        yield addresses


@pytest.fixture(scope="session")
def served(
    tmp_path_factory: pytest.TempPathFactory, redis_url: str
) -> Iterator[tuple[SideLoop, Installation]]:
    home = Home(tmp_path_factory.mktemp("client"))
    home.keys.ensure()
    home.issue_tokens()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOOK, "whsec_" + b64encode(bytes(32)).decode())
        with entered_aside(serve_all(home, redis_url)) as (loop, addresses):
            yield loop, Installation(home, addresses)


@pytest.fixture
def installation(served: tuple[SideLoop, Installation]) -> Iterator[Installation]:
    loop, installed = served
    with loop.running():
        yield installed


@pytest.fixture
async def client(installation: Installation) -> AsyncIterator[AsyncSurehand]:
    async with installation.client() as opened:
        yield opened


@pytest.fixture
async def project(client: AsyncSurehand) -> str:
    """A new project, which both other services know."""
    name = f"shop-{next(_NUMBERS)}"
    await client.projects.put(name, SPEC)
    return name
