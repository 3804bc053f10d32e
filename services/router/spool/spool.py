"""The spool: tasks kept durably on this disk while the review queue is away."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import orjson
import structlog
from prometheus_client import Counter, Gauge

from services.router.disk import Slot, probe_disk
from services.router.metrics import DEAD_LETTERS, REFUSED, SPOOL_ENTRIES, SPOOLED
from services.router.problems import SpoolFull, SpoolUnavailable
from services.router.spool.dead_letters import DEAD_LETTERS_FILE, expire_file
from services.router.spool.entries import Append, Entry, SpooledTask
from services.router.spool.segments import Segments, append_durably
from shared.logs import cause_of

log = structlog.get_logger()

Args = TypeVarTuple("Args")
Result = TypeVar("Result")


@dataclass(eq=False)
class Spool:
    """One process's durable queue of tasks.

    Appends that come together share one fsync. The index in memory tells the same item from the
    same id with other data. It keeps `limit_bytes` of tasks, and refuses more: a full disk would
    stop others too. `entries` and `spooled` are its metrics.
    """

    root: Path
    limit_bytes: int
    entries: Gauge = SPOOL_ENTRIES
    spooled: Counter = SPOOLED

    def __post_init__(self) -> None:
        self._unwritten = 0
        self._full = False
        self._disk_fault: str | None = None
        self._files = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._index: dict[str, SpooledTask] = {}
        # On their way to the disk; one whose lane changes is in both.
        self._pending: dict[str, tuple[Entry, Append]] = {}
        self._damaged: dict[Path, list[tuple[bytes, str]]] = {}
        self._waiting: list[Append] = []
        self._idle = asyncio.Event()
        self._idle.set()
        self._discarded = asyncio.Event()

    async def open(self) -> None:
        """Take a slot, and index what lies in it."""
        self._slot = await self._in_thread(Slot.take, self.root)
        self._segments = await self._in_thread(Segments, self._slot.folder)
        for path in self._segments.sealed():
            await self._index_segment(path)
        self.entries.set(self.depth)

    async def close(self) -> None:
        """Finish the appends under way and give the slot back."""
        await self._idle.wait()
        await self._in_thread(self._segments.seal)
        self._slot.close()
        self._files.shutdown()

    @property
    def depth(self) -> int:
        """Number of tasks that the review queue has not acknowledged yet."""
        return len(self._index) + len(self._pending)

    def held(self, task_id: str) -> bytes | None:
        """Return the digest of the task that lies durably in the spool, None when there is none."""
        held = self._index.get(task_id)
        return None if held is None else held.digest

    async def until_gone(self, entries: Sequence[Entry], seconds: float) -> None:
        """Return once all `entries` have left the spool, or after `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while any(self._known(entry) is not None for entry in entries):
                    await self._discarded.wait()

    async def fault(self) -> str | None:
        """Say what is wrong with this disk, trying it anew after an append that failed."""
        if self._disk_fault is not None:
            try:
                await self._in_thread(probe_disk, self._slot.folder)
            except OSError as error:
                self._disk_fault = cause_of(error)
            else:
                self._disk_fault = None
        return self._disk_fault

    def conflicts(self, entry: Entry) -> bool:
        """Say whether the spool holds other data under the entry's item id."""
        known = self._known(entry)
        return known is not None and known.digest != entry.digest

    def _known(self, entry: Entry) -> Entry | SpooledTask | None:
        pending, _ = self._pending.get(entry.task_id, (None, None))
        return pending or self._index.get(entry.task_id)

    def _same(self, entry: Entry) -> bool:
        known = self._known(entry)
        return known is not None and (known.digest, known.lane) == (entry.digest, entry.lane)

    async def append(self, entries: Sequence[Entry]) -> None:
        """Return once `entries` are durable; those that are held already are not written again.

        Raises `SpoolFull`, `SpoolUnavailable`: they could not be made durable.
        """
        loop = asyncio.get_running_loop()
        new = [entry for entry in entries if not self._same(entry)]
        held = [entry.task_id for entry in entries if self._same(entry)]
        pending = [self._pending[one][1].waiter(loop) for one in held if one in self._pending]
        if new:
            self._refuse_when_full(new)
            append = Append(new)
            self._pending |= {entry.task_id: (entry, append) for entry in new}
            self._waiting.append(append)
            self._unwritten += sum(len(entry.body) for entry in new)
            pending.append(append.waiter(loop))
            if self._idle.is_set():
                self._write(loop)
        for future in pending:
            await future

    def _refuse_when_full(self, entries: Sequence[Entry]) -> None:
        more = sum(len(entry.body) for entry in entries)
        full = self._segments.size + self._unwritten + more > self.limit_bytes
        if full and not self._full:
            log.error("spool_full", limit_bytes=self.limit_bytes, tasks=self.depth)
        self._full = full
        if full:
            REFUSED.labels("spool-full").inc()
            raise SpoolFull

    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the thread write all that waits; what comes meanwhile is written after it."""
        self._idle.clear()
        group, self._waiting = self._waiting, []
        lines = [entry.line() for append in group for entry in append.entries]

        def write() -> None:
            try:
                result: Path | Exception = self._segments.append(lines)
            except Exception as error:  # noqa: BLE001 - told to those who wait
                result = error
            loop.call_soon_threadsafe(self._written, loop, group, result)

        # Not by `run_in_executor`: between the disk and those who wait for it lie as few turns of
        # the loop as can be, since a busy loop's turn takes milliseconds.
        self._files.submit(write)

    def _written(
        self, loop: asyncio.AbstractEventLoop, group: Sequence[Append], result: Path | Exception
    ) -> None:
        """Take what became of a write: the segment that it is in, or why there is none."""
        fault = cause_of(result) if isinstance(result, Exception) else None
        if fault is not None and self._disk_fault is None:
            log.error("spool_failed", cause=fault)
        self._disk_fault = fault
        for append in group:
            for entry in append.entries:
                self._unwritten -= len(entry.body)
                if self._pending.get(entry.task_id, (None, None))[1] is append:
                    del self._pending[entry.task_id]
                if isinstance(result, Path):
                    self._index[entry.task_id] = SpooledTask(entry.digest, entry.lane, result)
            append.settle(None if fault is None else SpoolUnavailable())
        if fault is None:
            self.spooled.inc(sum(len(append.entries) for append in group))
        self.entries.set(self.depth)
        if self._waiting:
            self._write(loop)
        else:
            self._idle.set()

    async def oldest(self) -> Path | None:
        """Return the oldest segment, sealed, for the drainer; None when the spool is empty."""
        sealed = await self._in_thread(self._segments.sealed)
        if not sealed and self._index:
            await self._in_thread(self._segments.seal)
            sealed = await self._in_thread(self._segments.sealed)
        return sealed[0] if sealed else None

    async def read(self, path: Path) -> list[Entry]:
        """Return the entries of a segment; `discard` makes its other lines dead letters."""
        # Not in the thread of the writes: calls wait for those.
        entries, self._damaged[path] = await asyncio.to_thread(_entries, path)
        return entries

    async def discard(self, path: Path, entries: Sequence[Entry]) -> None:
        """Forget a segment whose entries were all acknowledged or buried."""
        if damaged := self._damaged.pop(path, None):
            await self.bury(damaged)
        await self._in_thread(self._segments.discard, path)
        for entry in entries:
            held = self._index.get(entry.task_id)
            if held is not None and held.segment == path:
                del self._index[entry.task_id]
        self.entries.set(self.depth)
        # Wakes all who wait, and makes those wait who come after.
        self._discarded.set()
        self._discarded.clear()

    async def bury(self, letters: Sequence[tuple[bytes, str]]) -> None:
        """Keep lines that will never be taken, each with the cause, in the dead-letter file."""
        lines = [
            orjson.dumps(
                {"line": line.decode(errors="replace"), "cause": cause},
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for line, cause in letters
        ]
        await self._in_thread(append_durably, self._slot.folder / DEAD_LETTERS_FILE, lines)
        DEAD_LETTERS.inc(len(letters))
        log.error("tasks_dead_lettered", count=len(letters))

    async def expire_letters(self, now: datetime, retention: Mapping[str, float]) -> None:
        """Drop dead letters, here and in abandoned slots, older than their project's retention."""
        await self._in_thread(self._expire_letters, now, retention)

    def _expire_letters(self, now: datetime, retention: Mapping[str, float]) -> None:
        expire_file(self._slot.folder / DEAD_LETTERS_FILE, now, retention)
        for slot in Slot.abandoned(self.root, DEAD_LETTERS_FILE):
            expire_file(slot.folder / DEAD_LETTERS_FILE, now, retention)

    async def adopt(self) -> None:
        """Take over the segments in abandoned slots: those of processes that died."""
        before = set(await self._in_thread(self._segments.sealed))
        await self._in_thread(self._segments.adopt, self.root)
        for path in await self._in_thread(self._segments.sealed):
            if path not in before:
                await self._index_segment(path)

    async def _index_segment(self, path: Path) -> None:
        entries, _ = await asyncio.to_thread(_entries, path)
        for entry in entries:
            self._index[entry.task_id] = SpooledTask(entry.digest, entry.lane, path)
        self.entries.set(self.depth)

    async def _in_thread(self, work: Callable[[*Args], Result], *args: *Args) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._files, work, *args)


def _entries(path: Path) -> tuple[list[Entry], list[tuple[bytes, str]]]:
    """Return a segment's entries, and the lines that are none, each with the cause."""
    entries: list[Entry] = []
    damaged: list[tuple[bytes, str]] = []
    with path.open("rb") as lines:
        for line in lines:
            try:
                entries.append(Entry.from_line(line))
            except ValueError as error:
                damaged.append((line, str(error)))
    return entries, damaged
