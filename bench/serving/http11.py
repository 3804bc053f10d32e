"""As much of HTTP/1.1 as a load generator reads: where an answer ends, and its status."""

from dataclasses import dataclass

_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


class MalformedAnswer(ValueError):  # noqa: N818 - says what the answer is
    """The bytes are no HTTP/1.1 answer with a length."""


@dataclass(frozen=True, slots=True)
class Head:
    """An answer's head. `total` is its length in bytes with its head, None when it is chunked."""

    status: int
    total: int | None
    keeps_alive: bool

    def is_complete(self, buffer: bytes | bytearray) -> bool:
        """Say whether `buffer`, which starts with this head, holds the whole answer.

        A chunked JSON answer is complete when it ends with the last chunk: JSON has no bare
        line ends, so nothing before does. Nothing is pipelined, so nothing follows.
        """
        if self.total is None:
            return buffer.endswith(_LAST_CHUNK)
        return len(buffer) >= self.total


def parse_head(buffer: bytes | bytearray) -> Head | None:
    """Return the head at the start of `buffer`; None while it is incomplete.

    Raises
    ------
    MalformedAnswer
        It has no status, or neither a length nor chunks.
    """
    end = buffer.find(_HEAD_END)
    if end < 0:
        return None
    head = bytes(buffer[:end]).lower()
    status = head[9:12]
    if not head.startswith(b"http/1.1 ") or not status.isdigit():
        raise MalformedAnswer(head[:80].decode("latin-1"))
    keeps_alive = b"\r\nconnection: close" not in head
    if b"\r\ntransfer-encoding: chunked" in head:
        return Head(int(status), None, keeps_alive)
    _, found, rest = head.partition(b"\r\ncontent-length:")
    length = rest.split(b"\r\n", 1)[0].strip()
    if not found or not length.isdigit():
        raise MalformedAnswer("the answer has no length")
    return Head(int(status), end + len(_HEAD_END) + int(length), keeps_alive)
