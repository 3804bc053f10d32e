"""An installation that all tests of the client share; each has a project of its own."""

import itertools
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from shared.auth import Keys, Role
from surehand import AsyncSurehand, Surehand
from tests.harness.installation import SERVICES, Launched, launch

_NUMBERS = itertools.count(1)
SPEC: dict[str, Any] = {
    "labels": ["negative", "positive"],
    "fields": {"text": {"type": "text"}},
    "metadata": ["channel"],
    "review": {"lease_seconds": 60, "max_overlap": 2},
}


class Installation:
    """A launched installation, and clients of it."""

    def __init__(self, launched: Launched) -> None:
        self.launched = launched
        self.addresses = [launched.address(name) for name in SERVICES]

    def token(self, role: Role, subject: str) -> str:
        return Keys(self.launched.home / "keys").issue(role, subject)

    def client(self, role: Role = "operator", subject: str = "olga") -> AsyncSurehand:
        router, review_queue, trainer = self.addresses
        token = self.token(role, subject)
        return AsyncSurehand(router=router, review_queue=review_queue, trainer=trainer, token=token)

    def threaded_client(self, role: Role, subject: str) -> Surehand:
        router, review_queue, trainer = self.addresses
        token = self.token(role, subject)
        return Surehand(router=router, review_queue=review_queue, trainer=trainer, token=token)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with launch(
        tmp_path_factory.mktemp("client") / "home",
        SUREHAND_REVIEW_QUEUE_WEBHOOKS_ALLOW_PRIVATE="true",
        SUREHAND_REVIEW_QUEUE_WEBHOOK_SHARED_SECRETS="CLIENT_HOOK",
        CLIENT_HOOK="whsec_" + b64encode(bytes(32)).decode(),
    ) as launched:
        yield Installation(launched)


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
