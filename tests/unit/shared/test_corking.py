"""What is written arrives whole and in order, whatever is held back on the way."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from shared.http.transports import CorkedTransport

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
PIECES = [HEAD, b"{}", b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"5\r\nhello\r\n", b"\r\n\r\n"]


class Wire(asyncio.Transport):
    """Where bytes go."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def test_head_and_body_are_one_write() -> None:
    wire = Wire()
    corked = CorkedTransport(wire)
    corked.write(HEAD)
    corked.write(b"{}")
    corked.uncork()
    assert wire.writes == [HEAD + b"{}"]


def test_an_interim_answer_is_not_held_back() -> None:
    wire = Wire()
    CorkedTransport(wire).write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert wire.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]


def test_closing_writes_what_is_held_back() -> None:
    wire = Wire()
    corked = CorkedTransport(wire)
    corked.write(HEAD)
    corked.close()
    assert wire.writes == [HEAD]
    assert corked.is_closing()


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=5) | st.none(), max_size=12))
def test_nothing_is_lost_or_moved(pieces: list[bytes | None]) -> None:
    wire = Wire()
    corked = CorkedTransport(wire)
    for piece in pieces:
        if piece is None:
            corked.uncork()
        else:
            corked.write(piece)
    corked.uncork()
    assert b"".join(wire.writes) == b"".join(piece for piece in pieces if piece is not None)
