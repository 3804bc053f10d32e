"""HTTP to receivers: only to addresses that were checked, and with nothing followed.

The name is resolved once for each connection, every address that it has is checked, and the
connection goes to one of them: a name that resolves otherwise a moment later gains nothing. TLS
still verifies the name.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cache

import httpcore
import httpx

from services.review_queue.webhooks.addresses import is_public

Resolve = Callable[[str, int], Awaitable[list[str]]]

_TOTAL_SECONDS = 15.0
_IDLE_SECONDS = 30.0
# What a receiver says is not read beyond this; a connection with more of it is closed.
_READ_BYTES = 64 * 1024


# Reading the authorities takes some 20 ms; all pools of a process share them.
_trusted_authorities = cache(httpx.create_ssl_context)


class AddressRefused(httpcore.ConnectError):
    """The receiver's name leads to an address that is not public."""


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of `host`, as the system resolves it."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects by address, after all addresses of the name were checked."""

    def __init__(self, *, allow_private: bool, resolve: Resolve = resolve) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of the name's addresses that answers."""
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("the name cannot be resolved") from error
        if not self._allow_private and not all(map(is_public, addresses)):
            raise AddressRefused("the name leads to an address that is not public")
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


@dataclass(frozen=True)
class ReceiverAnswer:
    """What a receiver answered; `error` is set, and `status` null, where it did not."""

    status: int | None
    reason: str = ""
    retry_after: str | None = None
    error: str | None = None


class Transport:
    """Posts bodies to receivers; no proxy, no redirect, no cookie."""

    def __init__(
        self, *, allow_private: bool, resolve: Resolve = resolve, seconds: float = _TOTAL_SECONDS
    ) -> None:
        self._seconds = seconds
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_trusted_authorities(),
            max_connections=None,
            max_keepalive_connections=100,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=CheckedBackend(allow_private=allow_private, resolve=resolve),
        )

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> ReceiverAnswer:
        """Post `body`; the answer also says why there was none."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(url, headers, body)
        except TimeoutError:
            return ReceiverAnswer(None, error=f"no answer within {self._seconds:g} s")
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError) as error:
            return ReceiverAnswer(None, error=str(error) or type(error).__name__)
        except (httpcore.ProtocolError, httpx.InvalidURL) as error:
            return ReceiverAnswer(None, error=f"not HTTP: {type(error).__name__}")

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> ReceiverAnswer:
        address = httpx.URL(url)
        target = httpcore.URL(
            scheme=address.raw_scheme,
            host=address.raw_host,
            port=address.port,
            target=address.raw_path,
        )
        sent = list(headers.items())
        async with self._pool.stream("POST", target, headers=sent, content=body) as response:
            read = 0
            async for chunk in response.aiter_stream():
                read += len(chunk)
                if read > _READ_BYTES:
                    break
            said = {name.lower(): value for name, value in response.headers}
            reason = response.extensions.get("reason_phrase", b"")
            after = said.get(b"retry-after")
            return ReceiverAnswer(
                response.status,
                reason=reason.decode("ascii", "replace")[:100],
                retry_after=None if after is None else after.decode("ascii", "replace"),
            )

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.aclose()
