"""Ships segments to the store, and removes days that are older than the project keeps."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from obstore.exceptions import BaseError
from prometheus_client import Counter, Gauge

from services.router.decision_log.checkpoints import Checkpoints
from services.router.decision_log.segments import (
    HeldRows,
    LogSegments,
    compressed,
    packed,
    place_of,
)
from services.router.disk import Slot, probe_disk
from shared.doorbells import wait_for
from shared.logs import cause_of
from shared.loops import Loop
from shared.store import Store, decisions_prefix, shadow_prefix

log = structlog.get_logger()

_SHIP_SECONDS = 2.0
# What is not shipped by then is a leftover for the next start.
_LAST_SHIP_SECONDS = 5.0
# A look at each project's log, which keeps whole days.
_EXPIRE_SECONDS = 6 * 3600.0

Retention = Callable[[], Mapping[str, float]]


@dataclass(frozen=True)
class LogKind:
    """One log. `prefix` gives a project's folder in the store; `name` is for our own log."""

    name: str
    prefix: Callable[[str], str]
    lag_seconds: Gauge
    shipped_bytes: Counter
    lost: Counter


def _kind(name: str, prefix: Callable[[str], str], row: str) -> LogKind:
    metric = f"surehand_router_{name}"
    lag = "Age of the oldest row that is not yet in the store"
    shipped = "Compressed bytes of rows put in the store"
    return LogKind(
        name,
        prefix,
        lag_seconds=Gauge(f"{metric}_lag_seconds", lag, multiprocess_mode="livemax"),
        shipped_bytes=Counter(f"{metric}_shipped_bytes_total", shipped),
        lost=Counter(f"{metric}_lost_total", f"{row} rows that could not be written locally"),
    )


DECISIONS = _kind("decision_log", decisions_prefix, "Decision")
SHADOW = _kind("shadow_log", shadow_prefix, "Shadow")


@dataclass(eq=False)
class RowLog:
    """Rows are on this disk once they are appended, and in the store about two seconds later.

    `retention` gives the days that each known project keeps its rows; `shipped` is told the project
    of each segment that is in the store; `checkpoints` are acknowledged for this log.
    """

    kind: LogKind
    root: Path
    store: Store
    now: Callable[[], datetime]
    retention: Retention
    shipped: Callable[[str], None] | None = None
    checkpoints: Checkpoints | None = None

    def __post_init__(self) -> None:
        self._shipping = asyncio.Lock()
        self._full = asyncio.Event()
        self._expired_at: datetime | None = None
        # When the oldest row was written that waits, and that is being shipped; infinity for none.
        self._waiting_since = math.inf
        self._shipping_since = math.inf
        self._held = HeldRows()
        self._disk_fault: str | None = None
        rest = partial(wait_for, self._full, _SHIP_SECONDS)
        self.loop = Loop(self.kind.name, self._turn, rest, expected=(BaseError, OSError))

    @property
    def lag_seconds(self) -> float:
        """Age of the oldest row that is not yet in the store; 0 when all are."""
        since = min(self._waiting_since, self._shipping_since)
        return 0.0 if since == math.inf else max(0.0, time.time() - since)

    def measure(self) -> None:
        """Set the gauge of this log."""
        self.kind.lag_seconds.set(self.lag_seconds)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["RowLog"]:
        """Keep and ship rows while the block lasts; ship what is left at its end."""
        self._slot = await asyncio.to_thread(Slot.take, self.root)
        self._segments = LogSegments(self._slot.folder, self.now)
        try:
            # The process has its id before the loop adopts those of others.
            async with self._acknowledging(), self.loop.running():
                yield self
        finally:
            with contextlib.suppress(BaseError, OSError):
                async with asyncio.timeout(_LAST_SHIP_SECONDS):
                    await self.flush()
                    if self.checkpoints is not None:
                        await self.checkpoints.leave()
            self._write_held()
            for left in self._held.sealed():
                self._lose(left.lines)
            self._slot.close()

    def _acknowledging(self) -> contextlib.AbstractAsyncContextManager[None]:
        if self.checkpoints is None:
            return contextlib.nullcontext()
        return self.checkpoints.running(self._slot.folder, self.flush)

    def append(self, project: str, lines: bytes) -> None:
        """Keep the rows of one call: on this disk, or in memory while the disk takes none."""
        try:
            if self._segments.append(project, lines):
                self._full.set()
        except OSError as error:
            self._hold(project, lines, error)
        if self._waiting_since == math.inf:
            self._waiting_since = time.time()

    def _hold(self, project: str, lines: bytes, error: OSError) -> None:
        if self._disk_fault is None:
            log.error("rows_held_in_memory", log=self.kind.name, cause=cause_of(error))
        self._disk_fault = error.strerror or type(error).__name__
        if not self._held.add(project, lines, self._segments.name):
            self._lose(lines)

    def _lose(self, lines: bytes | bytearray) -> None:
        count = lines.count(b"\n")
        self.kind.lost.inc(count)
        log.error("rows_lost", log=self.kind.name, count=count)

    @property
    def fault(self) -> str | None:
        """What is wrong with this disk; None when it takes rows."""
        if self._disk_fault is None:
            return None
        return f"the disk takes no rows ({self._disk_fault}); {self._held.size} bytes in memory"

    async def _turn(self) -> None:
        if self._disk_fault is not None:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(probe_disk, self._slot.folder)
                self._disk_fault = None
                self._write_held()
        await asyncio.to_thread(self._segments.adopt, self.root)
        await self.flush()
        if self._expired_at is None or self.now() - self._expired_at > timedelta(
            seconds=_EXPIRE_SECONDS
        ):
            await self._expire()

    async def flush(self) -> None:
        """Put every row that was appended before the call in the store; raise what that raises."""
        async with self._shipping:
            await self._ship()

    async def _ship(self) -> None:
        self._segments.seal()
        waiting = self._segments.sealed()
        self._shipping_since = min(self._shipping_since, self._waiting_since)
        self._waiting_since = math.inf
        oldest = min((path.stat().st_mtime for path in waiting), default=math.inf)
        self._shipping_since = min(self._shipping_since, oldest)
        for path in waiting:
            await self._put(path, await asyncio.to_thread(packed, path))
            path.unlink()
            self.loop.advance()
        # Those that the disk still does not take: the store may be elsewhere.
        for held in self._held.sealed():
            await self._put(held.path, await asyncio.to_thread(compressed, held.lines))
            self._held.release(held)
        self._shipping_since = math.inf

    async def _put(self, segment: Path, body: bytes) -> None:
        project, path = place_of(segment, self.kind.prefix)
        await self.store.write(path, body)
        self.kind.shipped_bytes.inc(len(body))
        if self.shipped is not None:
            self.shipped(project)

    def _write_held(self) -> None:
        """Move what is held in memory to this disk, as far as that takes it."""
        for held in self._held.sealed():
            try:
                self._segments.append(held.project, bytes(held.lines))
            except OSError as error:
                self._disk_fault = error.strerror or type(error).__name__
                return
            self._held.release(held)

    async def _expire(self) -> None:
        for project, days in self.retention().items():
            oldest = (self.now() - timedelta(days=days)).strftime("%Y-%m-%d")
            prefix = self.kind.prefix(project)
            for day in await self.store.folders(prefix):
                if day < oldest:
                    for path in await self.store.files(f"{prefix}/{day}"):
                        await self.store.delete(path)
        self._expired_at = self.now()
