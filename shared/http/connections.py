"""Connections that nobody can hold for nothing: uvicorn's protocol, with limits of its own.

uvicorn itself waits for ever for a request to be complete and for an answer to be read, and takes
headers of any size. A request that comes whole, as nearly all do, costs one look more here.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.http.corking import CorkedTransport
from shared.problems import MEDIA_TYPE, HeadersTooLarge, Problem, RequestTimeout
from shared.telemetry import CUT_CONNECTIONS

log = structlog.get_logger()

# What one read brings is parsed in pieces of this size, so that headers are measured as they come.
_PIECE_BYTES = 32 * 1024
# So long a client that is refused may go on sending, unheard.
_PARTING_SECONDS = 1.0
# A body of declared length that moves on by so much gets its time once more.
_PROGRESS_BYTES = 256 * 1024


@dataclass(frozen=True)
class ConnectionLimits:
    """What one request may take: seconds for headers, body and the reading of its answer; bytes.

    A large body gets `body_seconds` again and again, as long as it moves on by 256 KiB each time.
    """

    header_seconds: float = 10.0
    body_seconds: float = 30.0
    answer_seconds: float = 30.0
    header_bytes: int = 32 * 1024


class LimitedProtocol(HttpToolsProtocol):
    """One connection. A request has a deadline only while it is incomplete."""

    limits = ConnectionLimits()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        # What the deadline is for: a request (by its scope, None before its first byte), and
        # whether its body is awaited; how much has come since; were we the slow side?
        self._awaited: object = None
        self._awaited_body = False
        self._received = 0
        self._held_back = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Await a first request."""
        super().connection_made(CorkedTransport(transport))  # type: ignore[arg-type]
        self._arm(self.limits.header_seconds)

    def data_received(self, data: bytes) -> None:
        """Take what one read brought; watch the request while it is incomplete."""
        if len(data) > _PIECE_BYTES:
            for start in range(0, len(data), _PIECE_BYTES):
                if self.transport.is_closing():
                    return
                self.data_received(data[start : start + _PIECE_BYTES])
            return
        super().data_received(data)
        cycle = self.cycle
        if cycle is None or cycle.more_body or cycle.scope is not self.scope:
            self._watch(len(data))
        elif self._deadline is not None:
            self._disarm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Await nothing any more."""
        self._disarm()
        self._disarm_unread()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Hold nothing back of an answer that is complete."""
        self.transport.uncork()  # type: ignore[attr-defined]
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Give the client its time to read."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.limits.answer_seconds, self._give_up)

    def resume_writing(self) -> None:
        """Be content with a client that reads."""
        self._disarm_unread()
        super().resume_writing()

    def _watch(self, received: int) -> None:
        """See to it that the request that is incomplete has a deadline, its own and no later."""
        in_body = self.cycle is not None and self.cycle.scope is self.scope
        if self._awaited is not self.scope or self._awaited_body is not in_body:
            # A connection's first bytes do not put off the deadline that it was made with.
            if self._awaited is not None or in_body or self._deadline is None:
                self._disarm()
                self._arm(self.limits.body_seconds if in_body else self.limits.header_seconds)
            self._awaited, self._awaited_body = self.scope, in_body
        else:
            self._received += received
            if not in_body and self._received > self.limits.header_bytes:
                self._refuse(HeadersTooLarge(self.limits.header_bytes))
        if self.flow.read_paused:
            self._held_back = True

    def _arm(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._expire)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline, self._awaited, self._awaited_body = None, None, False
        self._received, self._held_back = 0, False

    def _expire(self) -> None:
        seconds = self.limits.body_seconds if self._awaited_body else self.limits.header_seconds
        # Where we did not read as fast as the client sent it is not to blame.
        if self._held_back or self._moves_on():
            self._received, self._held_back = 0, self.flow.read_paused
            self._arm(seconds)
        else:
            self._refuse(RequestTimeout(seconds))

    def _moves_on(self) -> bool:
        # Without a length, what comes may be trailers without end, which nobody bounds.
        return (
            self._awaited_body
            and self._received >= _PROGRESS_BYTES
            and any(name == b"content-length" for name, _ in self.headers)
        )

    def _refuse(self, problem: Problem) -> None:
        """Say why, unless an answer is under way or given already, and close."""
        cycle, in_body = self.cycle, self._awaited_body
        self._disarm()
        CUT_CONNECTIONS.labels(problem.kind).inc()
        log.info("connection_cut", problem=problem.kind)
        answering = cycle is not None and not cycle.response_complete
        silent = cycle.response_started if in_body else answering
        if answering:
            # Whoever reads the body, or answers, learns that the client is gone.
            cycle.disconnected = True
            cycle.message_event.set()
        if self.scope is None or silent:
            self.transport.close()
            return
        self.flow.resume_reading()
        self.transport.write(_answer(problem, self.server_state.default_headers))
        self.transport.write_eof()
        self.transport.set_protocol(_Parting(self))
        self.loop.call_later(_PARTING_SECONDS, self.transport.close)

    def _give_up(self) -> None:
        CUT_CONNECTIONS.labels("unread-answer").inc()
        log.info("connection_cut", problem="unread-answer")
        self.transport.abort()

    def _disarm_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


class _Parting(asyncio.Protocol):
    """Hears no more: closed at once, a connection whose client still sends would be reset.

    Then the client might never see why.
    """

    def __init__(self, connection: LimitedProtocol) -> None:
        self._connection = connection

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.connection_lost(exc)


def limited_by(limits: ConnectionLimits) -> type[LimitedProtocol]:
    """Return the protocol with other limits."""
    return type("LimitedProtocol", (LimitedProtocol,), {"limits": limits})


def _answer(problem: Problem, headers: list[tuple[bytes, bytes]]) -> bytes:
    body = orjson.dumps(problem.document())
    own = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    lines = [b"%b: %b\r\n" % header for header in [*headers, *own]]
    return b"".join([STATUS_LINE[problem.status], *lines, b"\r\n", body])
