"""Shadow versions: scored after the answer, on what the answer leaves idle, and only recorded.

Items wait in a bounded queue. One thread scores them, a short batch at a time, while no version
that answers has anything to do; when there is no room, the newest items are dropped and counted.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
import structlog

from services.router.calls import Call
from services.router.decision_log.shipping import RowLog
from services.router.incoming import Asked
from services.router.metrics import SHADOW_DROPPED, SHADOW_SCORED, SHADOW_UNSCORED
from services.router.routing import Score
from services.router.versions.loading import LoadedVersion
from services.router.versions.registry import Versions
from shared.contracts.base import rfc3339

log = structlog.get_logger()

_MOST_ITEMS = 5_000
_MOST_BYTES = 32 * 1024 * 1024
_BATCH_ITEMS = 64
# What arrives so close together is scored together.
_GATHER_SECONDS = 0.02
# The pause between two runs, and between two looks at whether the others are idle.
_PAUSE_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class _Seen:
    """An item that was decided on: by which version, and what that suggested. `size` in bytes."""

    project: str
    item: Asked
    version: str | None
    suggestion: str | None
    received: datetime
    size: int


class Shadows:
    """Scores for the record what was decided; for one event loop.

    Shadows are those that the project has when its items' turn comes.
    """

    def __init__(self, versions: Versions, rows: RowLog, now: Callable[[], datetime]) -> None:
        self._versions = versions
        self._rows = rows
        self._now = now
        self._waiting: deque[_Seen] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Shadows"]:
        """Score while the block lasts; what still waits at its end is not scored."""
        scoring = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            scoring.cancel()
            await asyncio.gather(scoring, return_exceptions=True)

    def offer(self, project: str, call: Call, size: int) -> None:
        """Take the items of a call that is decided, `size` bytes in all, if there is room."""
        seen = call.suggestions()
        if len(self._waiting) + len(seen) > _MOST_ITEMS or self._bytes + size > _MOST_BYTES:
            SHADOW_DROPPED.inc(len(seen))
            return
        each = size // len(seen)
        self._waiting.extend(
            _Seen(project, item, version, suggestion, call.received, each)
            for item, version, suggestion in seen
        )
        self._bytes += each * len(seen)
        self._arrived.set()

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            await asyncio.sleep(_GATHER_SECONDS)
            while self._waiting:
                try:
                    await self._next()
                except Exception:
                    # A shadow's fault is no reason for the others to go unrecorded.
                    log.exception("shadow_failed")

    async def _next(self) -> None:
        """Score the items of one project at the head of the queue by each of its shadows."""
        taken: list[_Seen] = []
        while self._waiting and len(taken) < _BATCH_ITEMS:
            if taken and self._waiting[0].project != taken[0].project:
                break
            taken.append(self._waiting.popleft())
        self._bytes -= sum(seen.size for seen in taken)
        view = self._versions.known().get(taken[0].project)
        for shadow in view.shadows if view is not None else ():
            at = 0
            while at < len(taken):
                part = taken[at : at + shadow.batcher.quick_items()]
                at += len(part)
                await self._score(shadow, part)

    async def _score(self, shadow: LoadedVersion, part: Sequence[_Seen]) -> None:
        # Nothing tells when the others are idle: telling would cost each answer something.
        while not self._versions.idle:  # noqa: ASYNC110
            await asyncio.sleep(_PAUSE_SECONDS)
        started = time.monotonic()
        scores = await asyncio.to_thread(shadow.batcher.aside, [seen.item.data for seen in part])
        lines = _lines(shadow, part, scores, self._now())
        self._rows.append(part[0].project, lines)
        unscored = scores.count(None)
        SHADOW_SCORED.inc(len(part) - unscored)
        SHADOW_UNSCORED.inc(unscored)
        # It takes half of one processor at most.
        await asyncio.sleep(max(_PAUSE_SECONDS, time.monotonic() - started))


def _lines(
    shadow: LoadedVersion, part: Sequence[_Seen], scores: Sequence[Score | None], at: datetime
) -> bytes:
    """Return a `ShadowRow` an item, each as a line."""
    labels, scored_at = shadow.manifest.labels, rfc3339(at)
    return b"".join(
        orjson.dumps(
            {
                "item_id": seen.item.item_id,
                "model_version": shadow.version,
                "suggestion": labels[score.top] if score else None,
                "confidence": score.confidence if score else None,
                "probabilities": (
                    dict(zip(labels, score.probabilities, strict=True)) if score else None
                ),
                "decision_version": seen.version,
                "decision_suggestion": seen.suggestion,
                "received_at": rfc3339(seen.received),
                "scored_at": scored_at,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for seen, score in zip(part, scores, strict=True)
    )
