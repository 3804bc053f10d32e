"""The server that every service runs on."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from shared.http.connections import ConnectionLimits
from shared.http.direct import protocol_of
from shared.http.waiting import STOPPING

_CLOSE = (b"connection", b"close")
_UNREAD_MILLISECONDS = 30_000
# Longer than clients (httpx 5 s, aiohttp 15 s) and load balancers (60 s) keep an idle connection:
# it is theirs to close, or a request could meet the closing.
_IDLE_SECONDS = 75


class Server(uvicorn.Server):
    """A server that stops gently.

    First it tells its application, so that long-polls answer with the state as it stands. For
    `drain_seconds` more it takes new requests, and asks with each answer that the connection be
    closed: a client that is told does not send its next request into a connection that is just
    being closed. Then uvicorn closes what is idle and waits for the requests under way.

    `on_started` is called once it listens, `on_stopping` when it begins to stop.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        drain_seconds: float = 0.0,
        on_started: Callable[[], None] = lambda: None,
        on_stopping: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
        self._drain_seconds = drain_seconds
        self._on_started = on_started
        self._on_stopping = on_stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen."""
        await super().startup(sockets)
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the application and the clients, then wait until all requests are answered."""
        self._on_stopping()
        stopping: asyncio.Event | None = self.lifespan.state.get(STOPPING)
        if stopping is not None:
            stopping.set()
        # A new list: requests under way hold the old one, and get it said by their connection.
        self.server_state.default_headers = [*self.server_state.default_headers, _CLOSE]
        for connection in self.server_state.connections:
            cycle = getattr(connection, "cycle", None)
            if cycle is not None:
                cycle.keep_alive = False
        await asyncio.sleep(self._drain_seconds)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at SIGTERM or SIGINT: having stopped as asked, do not die of the signal too."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()


def configured(app: ASGIApp, limits: ConnectionLimits, *, grace_seconds: int) -> uvicorn.Config:
    """Return uvicorn's configuration: requests under way get `grace_seconds` at the end."""
    return uvicorn.Config(
        app,
        http=protocol_of(limits, getattr(app, "front", None)),
        log_config=None,
        access_log=False,
        ws="none",
        # Nothing here asks where a request came from.
        proxy_headers=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=grace_seconds,
    )


def bound_socket(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a socket bound to an address, not listening yet; `OSError` when it cannot be.

    With `shared` several processes of this user may have a socket each, and the kernel spreads
    connections over those that listen.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, or asyncio does not switch Nagle's delay off: each answer would take 40 ms.
    bound = socket.socket(family, proto=socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Accepted connections inherit it: one whose client has vanished, or does not read the
            # rest of its last answer, does not stay for ever.
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MILLISECONDS)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound
