"""uvicorn's HTTP/1.1 connection with limits.

uvicorn itself waits for ever for a request to be complete and for an answer to be read, takes
headers and trailers of any size, takes trailers for headers, and takes the body of a request that
offers an Upgrade for another request. A request that comes whole, as nearly all do, costs one
check of its head more here.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.http.heads import check_head, fields_bytes, head_bytes, head_without_offer
from shared.http.transports import CorkedTransport, Deaf, PipelineFlow, refusal
from shared.http.waiting import CLIENT, Client
from shared.problems import (
    HeadersTooLarge,
    MalformedRequest,
    Problem,
    RequestTimeout,
    TooManyRequests,
)
from shared.telemetry import CUT_CONNECTIONS

log = structlog.get_logger()

# So long a client that is refused may go on sending, unheard.
_PARTING_SECONDS = 1.0
# A body of declared length that moves on by so much gets its time once more.
_PROGRESS_BYTES = 256 * 1024
# So many requests of a connection may wait while another one is answered: one takes 3 kB.
_PIPELINED = 200


@dataclass(frozen=True)
class ConnectionLimits:
    """What one request may take: seconds for headers, body and the reading of its answer; bytes.

    A large body gets `body_seconds` again and again, as long as it moves on by 256 KiB each time.
    `header_bytes` are those of the request line and the headers, written without needless spaces;
    trailers may take as much, and so may all that comes between two pieces of a chunked body.
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
        # Whether a part of the body came since the last look, and the bytes since its last part:
        # sizes of chunks, their extensions, and trailers.
        self._body_came = False
        self._overhead = 0
        # Whether a head may be too large, and whether it offers to upgrade.
        self._is_long = True
        self._is_offer = False
        # Why nothing more is heard: said once all that came before is answered.
        self._refusal: Problem | None = None
        self._parted = False
        self.client_state = Client()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Await a first request."""
        self._plain = transport
        super().connection_made(CorkedTransport(transport, self._close))  # type: ignore[arg-type]
        self.flow = PipelineFlow(transport, self.pipeline)
        self._arm(self.limits.header_seconds)

    def data_received(self, data: bytes) -> None:
        """Take what one read brought; watch the request while it is incomplete."""
        if self._refusal is not None:
            return
        self._unset_keepalive_if_required()
        # A head that is begun has a deadline; one that lies in a short read is short.
        self._is_long = self._deadline is not None or len(data) > self.limits.header_bytes
        try:
            self._parse(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, Problem) else MalformedRequest())
            return
        cycle = self.cycle
        if cycle is None or cycle.more_body or cycle.scope is not self.scope:
            self._watch(len(data))
            return
        if self._deadline is not None:
            self._disarm()
        if cycle.response_complete:
            # No new request: blank lines, or the end of a body that was not read.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_headers_complete(self) -> None:
        """Begin a request, unless its head breaks a rule or is to be read once more."""
        parser, limit = self.parser, self.limits.header_bytes
        if self._is_long and head_bytes(parser.get_method(), self.url, self.headers) > limit:
            raise HeadersTooLarge(limit)
        self._is_offer = parser.should_upgrade()
        if self._is_offer:
            if parser.get_method() == b"CONNECT":
                raise MalformedRequest
            return
        check_head(parser.get_http_version(), self.url, self.headers)
        if len(self.pipeline) >= _PIPELINED:
            raise TooManyRequests(f"Read answers before you send more than {_PIPELINED} requests.")
        self.begin()
        # The parser gives trailers as it gave headers: they are counted, and are no headers.
        self.headers = []

    def begin(self) -> None:
        """Begin the request whose head is complete, and allowed."""
        super().on_headers_complete()
        self.scope[CLIENT] = self.client_state  # type: ignore[literal-required]

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self.note_body()
        super().on_body(body)

    def note_body(self) -> None:
        """Note that a part of the body came."""
        self._body_came = True

    def on_message_complete(self) -> None:
        """Note that a request is there as a whole, also where its answer came first."""
        if self._is_offer:
            return
        if self.headers and fields_bytes(self.headers) > self.limits.header_bytes:
            raise HeadersTooLarge(self.limits.header_bytes)
        self.cycle.more_body = False
        self.cycle.message_event.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Await nothing any more, and let queued work know."""
        self.client_state.gone = True
        self._disarm()
        self._disarm_unread()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Hold nothing back of an answer that is complete."""
        self.transport.uncork()  # type: ignore[attr-defined]
        if self._parted:
            return
        is_last = not self.pipeline
        super().on_response_complete()
        if is_last and self._refusal is not None:
            self._say(self._refusal)

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
            self._overhead = 0 if self._body_came else self._overhead + received
            if self._overhead > self.limits.header_bytes:
                self._refuse(HeadersTooLarge(self.limits.header_bytes))
        self._body_came = False
        if self.flow.read_paused:
            self._held_back = True

    def _arm(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._expire)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline, self._awaited, self._awaited_body = None, None, False
        self._received, self._overhead, self._held_back = 0, 0, False

    def _expire(self) -> None:
        seconds = self.limits.body_seconds if self._awaited_body else self.limits.header_seconds
        # Without a length, a body may come for ever.
        moves_on = (
            self._awaited_body
            and self._received >= _PROGRESS_BYTES
            and any(name == b"content-length" for name, _ in self.scope["headers"])
        )
        # Where we did not read as fast as the client sent it is not to blame.
        if self._held_back or moves_on:
            self._received, self._held_back = 0, self.flow.read_paused
            self._arm(seconds)
        else:
            self._refuse(RequestTimeout(seconds))

    def _parse(self, data: bytes) -> None:
        """Parse what came; an Upgrade is offered in vain (RFC 9110, 7.8)."""
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                # The parser takes what follows the head for another protocol's: begin anew, with
                # a head that offers nothing.
                method, version = self.parser.get_method(), self.parser.get_http_version()
                head = head_without_offer(method, version, self.url, self.headers)
                data = head + data[offer.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            else:
                return

    def _refuse(self, problem: Problem) -> None:
        """Hear no more; say why once what came before is answered, if it can be said, and close."""
        self._disarm()
        CUT_CONNECTIONS.labels(problem.kind).inc()
        log.info("connection_cut", problem=problem.kind)
        self._refusal = problem
        cycle = self.cycle
        in_body = cycle is not None and cycle.scope is self.scope and cycle.more_body
        if in_body and self.pipeline and self.pipeline[0][0] is cycle:
            # It has not begun, and never will; the one before it is being answered.
            self.pipeline.popleft()
            return
        if in_body:
            # The task that reads the body, or answers, learns that the client is gone.
            cycle.disconnected = True
            cycle.message_event.set()
        elif cycle is not None and not cycle.response_complete:
            return
        if self.scope is None or (in_body and cycle.response_started):
            self._parted = True
            self.transport.close()
        else:
            self._say(problem)

    def _say(self, problem: Problem) -> None:
        if not self._plain.is_closing():
            self.transport.write(refusal(problem, self.server_state.default_headers))
            self._part()

    def _close(self) -> None:
        """Close, but not at once on a client that is still sending the body of what is answered."""
        cycle = self.cycle
        is_sending = cycle is not None and cycle.response_complete and cycle.more_body
        if is_sending and not self._parted and not self._plain.is_closing():
            self._part()
        else:
            self._plain.close()

    def _part(self) -> None:
        self._parted = True
        self._unset_keepalive_if_required()
        self._disarm()
        self.pipeline.clear()
        self.flow.resume_reading()
        self._plain.write_eof()
        self._plain.set_protocol(Deaf(self.connection_lost))
        self.loop.call_later(_PARTING_SECONDS, self._plain.close)

    def _give_up(self) -> None:
        CUT_CONNECTIONS.labels("unread-answer").inc()
        log.info("connection_cut", problem="unread-answer")
        self.transport.abort()

    def _disarm_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
