"""Tasks on their way to the review queue, encoded once, and what the spool knows of them."""

import asyncio
import hashlib
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from shared.contracts.base import MAX_BATCH, task_id_for

BATCH_BYTES = 4 * 1024 * 1024
_CHECKSUM = b',"crc32":'
_CHECKSUM_END = re.compile(rb"[0-9]+\}\n")


@dataclass(frozen=True, slots=True)
class Entry:
    """A task and its JSON. `digest` stands for its `data`: the same item, the same digest."""

    project: str
    item_id: str
    task_id: str
    lane: str
    digest: bytes
    body: bytes

    @classmethod
    def of(cls, project: str, task: dict[str, Any]) -> "Entry":
        """Encode `task`, a `NewTask` as plain JSON values."""
        data = orjson.dumps(task["data"], option=orjson.OPT_SORT_KEYS)
        item_id = task["item_id"]
        return cls(
            project=project,
            item_id=item_id,
            task_id=task_id_for(project, item_id),
            lane=task["lane"],
            digest=hashlib.sha256(data).digest()[:16],
            body=orjson.dumps(task),
        )

    def line(self) -> bytes:
        """Return the entry as a line of the spool: JSON whose last member is a checksum."""
        record = {"project": self.project, "task": orjson.Fragment(self.body)}
        content = orjson.dumps(record)[:-1]
        return b"%b%b%d}\n" % (content, _CHECKSUM, zlib.crc32(content))

    @classmethod
    def from_line(cls, line: bytes) -> "Entry":
        """Read what `line` wrote, or the release before, which wrote no checksum.

        Raises `ValueError`: the line is torn or damaged; the message says which.
        """
        if not line.endswith(b"\n"):
            raise ValueError("torn")
        content, _, end = line.rpartition(_CHECKSUM)
        is_checked = _CHECKSUM_END.fullmatch(end) is not None
        if is_checked and int(end[:-2]) != zlib.crc32(content):
            raise ValueError("damaged")
        try:
            record = orjson.loads(content + b"}" if is_checked else line)
            # A checksum that was damaged beyond recognition leaves another member behind.
            if record.keys() != {"project", "task"}:
                raise ValueError("damaged")
            return cls.of(record["project"], record["task"])
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
            raise ValueError("unreadable") from None


def batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Split into runs of one project, at most 1,000 entries and about 4 MiB, in order.

    An item that comes twice (its lane changed) comes in two batches.
    """
    batch: list[Entry] = []
    seen: set[str] = set()
    size = 0
    for entry in entries:
        full = len(batch) == MAX_BATCH or size + len(entry.body) > BATCH_BYTES
        apart = full or entry.task_id in seen or (batch and entry.project != batch[0].project)
        if batch and apart:
            yield batch
            batch, seen, size = [], set(), 0
        batch.append(entry)
        seen.add(entry.task_id)
        size += len(entry.body)
    if batch:
        yield batch


def batch_body(entries: Sequence[Entry]) -> bytes:
    """Return the body of ``POST …/tasks``."""
    return b'{"tasks":[' + b",".join(entry.body for entry in entries) + b"]}"


@dataclass(frozen=True, slots=True)
class SpooledTask:
    """What the index knows of a task that is durable: its last line lies in `segment`."""

    digest: bytes
    lane: str
    segment: Path


@dataclass
class Append:
    """Entries that are to be written, and all who wait for that."""

    entries: Sequence[Entry]
    waiters: list[asyncio.Future[None]] = field(default_factory=list)

    def waiter(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
        """Return a new future for one waiting call; cancelling it does not affect the others."""
        future = loop.create_future()
        self.waiters.append(future)
        return future

    def settle(self, error: Exception | None) -> None:
        """Tell those who wait that the entries are durable, or with `error` that they are not."""
        for future in self.waiters:
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
                # A call that waits for several looks only at the first that failed.
                future.exception()
