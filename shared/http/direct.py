"""A connection that hands whole requests to the front, without ASGI messages in between.

With a small model, ASGI messages cost more processor time than all other work on a request.
"""

import asyncio
import sys
import time
from contextvars import Context
from typing import Any, cast

from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from shared.auth import Principal
from shared.http.connections import ConnectionLimits, LimitedProtocol
from shared.http.front import Front, Head, Headers, Whole, whole
from shared.problems import Unavailable

_HEAD_END = b"\r\n\r\n"
_CLOSE = b"connection: close\r\n"
# To a request that is cancelled at the end of a service's time to stop.
_STOPPED = whole(Unavailable("The service stops; send the request again.").response())


class DirectCycle:
    """A request for the front, with the attributes of uvicorn's cycle that a connection reads.

    `message_event` is set once the client has left.
    """

    __slots__ = (
        *("admitted", "body", "default_headers", "disconnected", "head", "keep_alive"),
        *("message_event", "more_body", "response_complete", "response_started", "scope"),
        "started",
    )

    def __init__(
        self, head: Head, admitted: Principal | Exception, scope: Any, default_headers: Headers
    ) -> None:
        self.head = head
        self.admitted = admitted
        self.scope = scope
        self.default_headers = default_headers
        self.started = time.perf_counter()
        self.body: bytes | bytearray = b""
        self.more_body = self.keep_alive = True
        self.response_started = self.response_complete = self.disconnected = False
        self.message_event = asyncio.Event()

    def add(self, part: bytes) -> None:
        """Take a part of the body."""
        if not self.body:
            self.body = part
        elif isinstance(self.body, bytearray):
            self.body += part
        else:
            self.body = bytearray(self.body + part)

    async def left(self) -> None:
        """Return once the client has left."""
        await self.message_event.wait()


class DirectProtocol(LimitedProtocol):
    """One connection, some of whose requests are answered by `front`; None leaves all to ASGI."""

    front: Front | None = None
    # The bytes of the read that is being parsed, if it began between two requests.
    _read = b""

    def data_received(self, data: bytes) -> None:
        """Take what one read brought: mostly one request, with a head that is known."""
        if self.front is None or not self._is_between_requests():
            super().data_received(data)
            return
        raw, _, body = data.partition(_HEAD_END)
        head = self.front.known(raw)
        if head is not None and head.length == len(body):
            self._unset_keepalive_if_required()
            # What tells one request from another.
            self.scope = cast("HTTPScope", {})
            cycle = self._begin_direct(head)
            cycle.body, cycle.more_body = body, False
            if isinstance(cycle.admitted, Principal):
                self._start(cycle, eagerly=True)
            return
        self._read = data
        super().data_received(data)
        self._read = b""

    def _is_between_requests(self) -> bool:
        """Say whether all that came before is answered, and nothing of another request has come."""
        cycle = self.cycle
        return (
            cycle is not None
            and cycle.response_complete
            and not cycle.more_body
            and self._deadline is None
            and self._refusal is None
            and not self._parted
        )

    def begin(self) -> None:
        """Begin a request: the front's, if nothing is under way and one of its ways takes it."""
        is_free = self.cycle is None or self.cycle.response_complete
        if self.front is None or not is_free or not self._is_plain():
            super().begin()
            return
        head = self.front.find(self.url, self.headers)
        if head is None:
            super().begin()
            return
        cycle = self._begin_direct(head)
        raw, found, body = self._read.partition(_HEAD_END)
        # What begins with blank lines, which the parser skips, is no head up to the first of them.
        is_head = found and raw.startswith(b"POST ") and len(body) == head.length
        # Strangers fill no memory.
        if is_head and isinstance(cycle.admitted, Principal):
            self.front.learn(raw, head)

    def _begin_direct(self, head: Head) -> DirectCycle:
        assert self.front is not None
        admitted = self.front.admit(head)
        cycle = DirectCycle(head, admitted, self.scope, self.server_state.default_headers)
        # It has what a connection uses of one.
        self.cycle = cast("RequestResponseCycle", cycle)
        if not isinstance(admitted, Principal):
            # Its body is not waited for.
            self._start(cycle)
        return cycle

    def _is_plain(self) -> bool:
        """Say whether a request needs no more of HTTP than its method, its headers and its body."""
        parser = self.parser
        return (
            parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not self.expect_100_continue
        )

    def on_body(self, body: bytes) -> None:
        """Take a part of the body: its length is known, and bounded."""
        cycle: object = self.cycle
        if isinstance(cycle, DirectCycle):
            self.note_body()
            # What a refused client still sends is dropped.
            if isinstance(cycle.admitted, Principal):
                cycle.add(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer a request of the front's that is there as a whole."""
        cycle: object = self.cycle
        if isinstance(cycle, DirectCycle) and cycle.scope is self.scope:
            cycle.more_body = False
            if isinstance(cycle.admitted, Principal):
                self._start(cycle)
        else:
            super().on_message_complete()

    def _start(self, cycle: DirectCycle, *, eagerly: bool = False) -> None:
        # Not of the request before, in whose task a connection may have begun to read on.
        context = Context()
        if eagerly and sys.version_info >= (3, 12):
            # A call that waits for nothing is answered in this turn of the loop.
            task = asyncio.Task(
                self._answer(cycle), loop=self.loop, eager_start=True, context=context
            )
            if task.done():
                return
        else:
            task = self.loop.create_task(self._answer(cycle), context=context)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, cycle: DirectCycle) -> None:
        assert self.front is not None
        answer = None
        body, cycle.body = bytes(cycle.body), b""
        try:
            answer = await self.front.answer(
                cycle.head,
                cycle.admitted,
                body,
                self.client_state,
                cycle.left,
            )
            if self.flow.write_paused and not cycle.disconnected:
                await self.flow.drain()
        finally:
            self._end(cycle, answer or _STOPPED)
            if answer is not None:
                # The client has its answer: what is left to do keeps others waiting, not it.
                self.front.count(cycle.head, answer, cycle.started)

    def _end(self, cycle: DirectCycle, answer: Whole) -> None:
        if cycle.disconnected:
            return
        cycle.response_started = cycle.response_complete = True
        self.transport.write(self._encoded(cycle, answer))
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _encoded(self, cycle: DirectCycle, answer: Whole) -> bytes:
        lines = [b"%b: %b\r\n" % field for field in cycle.default_headers]
        lines += [b"%b: %b\r\n" % field for field in answer.headers]
        if _CLOSE in lines:
            cycle.keep_alive = False
        elif not cycle.keep_alive:
            lines.append(_CLOSE)
        return b"".join([STATUS_LINE[answer.status], *lines, b"\r\n", answer.body])


def protocol_of(limits: ConnectionLimits, front: Front | None) -> type[HttpToolsProtocol]:
    """Return the protocol of connections with these limits."""
    return type("Connection", (DirectProtocol,), {"limits": limits, "front": front})
