"""The package's client, with the token of the signed-in person."""

from dataclasses import dataclass, field

import httpx

from surehand import AsyncSurehand, RetryPolicy

# A page waits for its slowest call: one that is away is soon said to be.
_TIMEOUT_SECONDS = 10.0
_RETRIES = RetryPolicy(retries=1, first_seconds=0.05, longest_retry_after=1.0)
# Services close a connection that is idle for five seconds, also as a request is on its way.
_KEEPALIVE_SECONDS = 2.0
_NO_TOKEN = "none"  # noqa: S105 - what a call without a person sends


class _SharedTransport(httpx.AsyncBaseTransport):
    """Connections that outlast the clients that use them."""

    def __init__(self) -> None:
        limits = httpx.Limits(keepalive_expiry=_KEEPALIVE_SECONDS)
        self._transport = httpx.AsyncHTTPTransport(limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Leave the connections to the next client."""

    async def close_all(self) -> None:
        """Close them, as the console stops."""
        await self._transport.aclose()


@dataclass(frozen=True)
class Clients:
    """Clients of the services at these addresses."""

    router: str
    review_queue: str
    trainer: str
    _transport: _SharedTransport = field(default_factory=_SharedTransport)

    def of(self, token: str) -> AsyncSurehand:
        """Return the client of the person whose token this is; it needs no closing."""
        return AsyncSurehand(
            router=self.router,
            review_queue=self.review_queue,
            trainer=self.trainer,
            token=token or _NO_TOKEN,
            timeout=_TIMEOUT_SECONDS,
            retries=_RETRIES,
            transport=self._transport,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close_all()
