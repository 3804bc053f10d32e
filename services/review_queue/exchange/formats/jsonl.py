"""JSON lines: one record a line."""

import io
from collections.abc import Generator, Iterator, Sequence

from services.review_queue.exchange.formats.writer import Record, Writer, to_json
from services.review_queue.exchange.records import Row
from shared.contracts.base import LONGEST_ROW
from shared.contracts.projects import Project
from shared.http.body import parse_json_part

LINE_BYTES = LONGEST_ROW


def read(file: io.BufferedReader, _: Project) -> Generator[Row, None, None]:
    """Give a row for each line that is not blank."""
    for number, line in lines(file):
        if line is None:
            yield Row(number, None, f"has more than {LINE_BYTES} bytes")
        elif line.strip():
            yield _row(number, line)


def lines(file: io.BufferedReader) -> Iterator[tuple[int, bytes | None]]:
    """Give each line with its number from 1; None for one that is too long to be held."""
    number = 0
    while line := file.readline(LINE_BYTES):
        number += 1
        if len(line) == LINE_BYTES and not line.endswith(b"\n"):
            while (rest := file.readline(LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield number, None
        else:
            yield number, line


def _row(number: int, line: bytes) -> Row:
    try:
        document = parse_json_part(line)
    except ValueError as error:
        return Row(number, None, str(error))
    if not isinstance(document, dict):
        return Row(number, None, "is not a JSON object")
    return Row(number, document)


class JsonlWriter(Writer):
    """Writes JSON lines."""

    def __init__(self, _: Project) -> None: ...

    def records(self, records: Sequence[Record]) -> bytes:
        """Return a line a record."""
        return b"".join(to_json(record) + b"\n" for record in records)
