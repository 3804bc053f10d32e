"""Clients of the three services' public API: all that the demo may use."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx

PROJECT = "/projects/demo"


class DemoFailed(Exception):  # noqa: N818 - it is said to a person, in one sentence
    """A step of the demo did not do what it should; the message is one sentence."""


class Refused(DemoFailed):
    """A service answered 409: the step does not fit the present state."""


@dataclass(frozen=True)
class Surehand:
    """Clients of the router, the review queue and the trainer, with an operator's token."""

    router: httpx.AsyncClient
    review_queue: httpx.AsyncClient
    trainer: httpx.AsyncClient


@contextlib.asynccontextmanager
async def connected(addresses: dict[str, str], token: str) -> AsyncIterator[Surehand]:
    """Connect to the services at `addresses` (by service name)."""
    async with contextlib.AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(client(addresses[name], token))
            for name in ("router", "review_queue", "trainer")
        }
        yield Surehand(**clients)


def client(address: str, token: str) -> httpx.AsyncClient:
    """Return a client that sends `token`, tolerates a slow answer and raises `DemoFailed`."""
    return httpx.AsyncClient(
        base_url=f"{address}/v1",
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
        trust_env=False,
        event_hooks={"response": [_raise_for_status]},
        # Servers close idle connections after five seconds, also as a request is on its way.
        transport=httpx.AsyncHTTPTransport(retries=2, limits=httpx.Limits(keepalive_expiry=1)),
    )


async def _raise_for_status(answer: httpx.Response) -> None:
    if answer.is_error:
        await answer.aread()
        kind = Refused if answer.status_code == httpx.codes.CONFLICT else DemoFailed
        raise kind(
            f"{answer.request.method} {answer.request.url.path} answered "
            f"{answer.status_code}: {answer.text[:300]}"
        )
