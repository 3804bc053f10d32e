"""A file of the store, as Python's own readers take it."""

import io
from typing import Any


class StoredFile(io.RawIOBase):
    """Reads an object of the store from its start; `position` is how many bytes were read.

    Wrap it in `io.BufferedReader`. Each read may be a request: call it in a thread.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self.position = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as possible; 0 at the end."""
        piece = bytes(self._source.read(len(buffer)))
        buffer[: len(piece)] = piece
        self.position += len(piece)
        return len(piece)
