"""A thin client of the three services' public API: all that the demo may use."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

PROJECT = "demo"
_BASE = f"/v1/projects/{PROJECT}"


class DemoFailed(Exception):  # noqa: N818 - it is said to a person, in one sentence
    """A step of the demo did not do what it should; the message is one sentence."""


@dataclass(frozen=True)
class Surehand:
    """Clients of the router, the review queue and the trainer, with an operator's token."""

    router: httpx.AsyncClient
    review_queue: httpx.AsyncClient
    trainer: httpx.AsyncClient

    async def put_project(self, spec: dict[str, Any]) -> None:
        """Create or replace the project."""
        checked(await self.review_queue.put(_BASE, json=spec))

    async def import_pool(self, items: Iterable[dict[str, Any]]) -> None:
        """Import unlabelled items; those of an earlier import stay as they are."""
        body = b"".join(orjson.dumps(item) + b"\n" for item in items)
        headers = {"Content-Type": "application/x-ndjson"}
        checked(await self.trainer.post(f"{_BASE}/pool", content=body, headers=headers))

    async def asked(self) -> int:
        """How many pool items people were asked about."""
        return int((await self._of_trainer("pool"))["asked"])

    async def ask_for_labels(self, size: int) -> None:
        """Ask people for the labels of `size` random pool items."""
        body = {"strategy": "random", "size": size}
        checked(await self.trainer.post(f"{_BASE}/pool/batches", json=body))

    async def predict(self, items: list[dict[str, Any]], review: str = "auto") -> Any:
        """Return one prediction an item."""
        body = {"items": items, "review": review}
        return checked(await self.router.post(f"{_BASE}/predict", json=body))["predictions"]

    async def model(self) -> dict[str, Any]:
        """What the router serves."""
        return checked(await self.router.get(f"{_BASE}/model"))

    async def certificate(self, **query: str | float) -> dict[str, Any]:
        """The state of the newest certification, or what another target would have got."""
        return await self._of_trainer("certificate", **query)

    async def versions(self) -> Any:
        """All model versions."""
        return (await self._of_trainer("versions"))["versions"]

    async def runs(self) -> Any:
        """All training runs."""
        return (await self._of_trainer("runs"))["runs"]

    async def start_run(self) -> None:
        """Request a training run, unless one has begun meanwhile."""
        answer = await self.trainer.post(f"{_BASE}/runs", json={"mode": "initial"})
        if answer.status_code != httpx.codes.CONFLICT:
            checked(answer)

    async def waiting_tasks(self) -> int:
        """How many tasks are open or leased."""
        queue = checked(await self.review_queue.get(f"{_BASE}/queue"))
        return int(queue["open"]) + int(queue["leased"])

    async def _of_trainer(self, path: str, **query: str | float) -> dict[str, Any]:
        return checked(await self.trainer.get(f"{_BASE}/{path}", params=query))


@contextlib.asynccontextmanager
async def connected(addresses: dict[str, str], token: str) -> AsyncIterator[Surehand]:
    """Connect to the services at `addresses` (by service name)."""
    async with contextlib.AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(client(address, token))
            for name, address in addresses.items()
        }
        yield Surehand(**clients)


def client(address: str, token: str) -> httpx.AsyncClient:
    """Return a client that sends `token` and tolerates a slow answer."""
    return httpx.AsyncClient(
        base_url=address,
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
        trust_env=False,
        # Servers close idle connections after five seconds, also as a request is on its way.
        transport=httpx.AsyncHTTPTransport(retries=2, limits=httpx.Limits(keepalive_expiry=1)),
    )


def checked(answer: httpx.Response) -> dict[str, Any]:
    """Return the answer's document, or raise `DemoFailed` for an error."""
    if answer.is_error:
        raise DemoFailed(
            f"{answer.request.method} {answer.request.url.path} answered "
            f"{answer.status_code}: {answer.text[:300]}"
        )
    document: dict[str, Any] = answer.json()
    return document
