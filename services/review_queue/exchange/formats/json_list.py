"""A JSON list, cut into the texts of its entries as it comes (pure).

Nothing is parsed here, so nothing is built up, however deep the text nests.
"""

import io
import re
from collections.abc import Iterator

import orjson

from services.review_queue.exchange.formats.jsonl import LINE_BYTES
from services.review_queue.exchange.records import UnreadableError
from shared.http.body import parse_json_part

_READ_BYTES = 64 * 1024
# All that lies before the next bracket, whole strings included. Possessive: nothing is tried twice.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TO_BRACKET = re.compile(rb'[^"\[\]{}]*+(?:%b[^"\[\]{}]*+)*+([\[\]{}])' % _STRING, re.DOTALL)
_OPENING = (b"[", b"{")
_OPENING_BYTES = b"[{"


def entries(file: io.BufferedReader) -> Iterator[bytes]:
    """Give the text of each entry of the list.

    Of objects and lists brackets are only counted: whether they are JSON is for their reader to
    find out.

    Raises `UnreadableError` (it is not a list, or stops being one, or an entry is longer than a
    line of JSON lines may be).
    """
    text = _Text(file)
    if text.to_bracket().strip() != b"[":
        raise UnreadableError("It is not a JSON list.")
    first, bracket = True, b""
    while bracket != b"]":
        before = text.to_bracket()
        before, bracket = before[:-1], before[-1:]
        opens = bracket in _OPENING
        if not opens and bracket != b"]":
            raise text.broken()
        try:
            yield from _scalars(before, behind=not first, ahead=opens)
        except ValueError as error:
            raise text.broken() from error
        if opens:
            yield bracket + text.rest_of_entry()
            first = False
    if text.rest():
        raise text.broken()


def _scalars(between: bytes, *, behind: bool, ahead: bool) -> Iterator[bytes]:
    """Give the texts of what lies between two entries that have brackets: for the most part none.

    Raises `ValueError` (it is no part of a list).
    """
    if between.strip() == (b"," if behind and ahead else b""):
        return
    # With a zero in the place of an entry behind or ahead it is a list.
    listed = parse_json_part(b"[%b%b%b]" % (b"0" * behind, between, b"0" * ahead))
    for value in listed[behind : len(listed) - ahead]:
        yield orjson.dumps(value)


class _Text:
    """A file that is taken from bracket to bracket."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self._held = bytearray()
        self._entries = 0

    def broken(self) -> UnreadableError:
        return UnreadableError(f"Behind task {self._entries} it is no longer a JSON list.")

    def to_bracket(self) -> bytes:
        """Take the text up to and with the next bracket."""
        return self._take(self._bracket_after(0))

    def rest_of_entry(self) -> bytes:
        """Take the text up to the bracket that closes the one which was taken last."""
        depth, end = 1, 0
        while depth:
            end = self._bracket_after(end)
            depth += 1 if self._held[end - 1] in _OPENING_BYTES else -1
        self._entries += 1
        return self._take(end)

    def rest(self) -> bytes:
        """Return the text behind the list, without white space; at least its first piece."""
        rest = bytes(self._held.strip())
        while not rest and (more := self._file.read(_READ_BYTES)):
            rest = more.strip()
        return rest

    def _bracket_after(self, start: int) -> int:
        """Return where the next bracket ends; read on until it has come."""
        while not (found := _TO_BRACKET.match(self._held, start)):
            if len(self._held) > LINE_BYTES:
                raise UnreadableError(
                    f"Task {self._entries + 1} has more than {LINE_BYTES} bytes, or a quote in it"
                    " is not closed."
                )
            # As much again as has been searched in vain: in all no more than twice the text.
            more = self._file.read(max(_READ_BYTES, len(self._held) - start))
            if not more:
                raise self.broken()
            self._held += more
        return found.end()

    def _take(self, end: int) -> bytes:
        taken = bytes(self._held[:end])
        del self._held[:end]
        return taken
