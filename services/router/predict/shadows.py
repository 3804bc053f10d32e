"""Shadow versions: scored after the answer, on what the answer leaves idle, and only recorded.

Items wait in a bounded queue. One thread scores them, a short batch at a time, while no version
that answers has anything to do; when there is no room, the newest items are dropped and counted.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from services.router.decision_log.shipping import RowLog
from services.router.metrics import SHADOW_DROPPED, SHADOW_SCORED, SHADOW_UNSCORED
from services.router.pictures.opening import Data, Pictures
from services.router.predict.calls import Call
from services.router.predict.requests import Asked
from services.router.problems import ModelTimedOut
from services.router.versions.loading import LoadedVersion
from services.router.versions.registry import Versions
from shared.contracts.base import rfc3339
from shared.loops import Loop
from shared.routing.scores import Score

_MOST_ITEMS = 5_000
_MOST_BYTES = 32 * 1024 * 1024
_BATCH_ITEMS = 64
# What arrives so close together is scored together.
_GATHER_SECONDS = 0.02
# The pause before each run; a later wake-up means that the loop or the machine is busy.
_PAUSE_SECONDS = 0.005
_LATE_SECONDS = 0.0015
# After each run, in multiples of it: shadows take a quarter of one processor at most.
_REST = 3.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """An item that was decided on: by which version, and what that suggested. `size` in bytes."""

    project: str
    item: Asked
    version: str | None
    suggestion: str | None
    received: datetime
    size: int


@dataclass(eq=False)
class Shadows:
    """Scores for the record what was decided; for one event loop.

    Shadows are those that the project has when its items' turn comes.
    """

    versions: Versions
    rows: RowLog
    pictures: Pictures
    now: Callable[[], datetime]

    def __post_init__(self) -> None:
        self._waiting: deque[_Seen] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self.loop = Loop("shadows", self._turn, self._rest)

    def offer(self, project: str, call: Call, size: int) -> None:
        """Take the items of a call that is decided, `size` bytes in all, if there is room."""
        count = len(call.decisions)
        if len(self._waiting) + count > _MOST_ITEMS or self._bytes + size > _MOST_BYTES:
            SHADOW_DROPPED.inc(count)
            return
        each = size // count
        self._waiting.extend(
            _Seen(project, item, version, suggestion, call.received, each)
            for item, version, suggestion in call.suggestions()
        )
        self._bytes += each * count
        self._arrived.set()

    async def _rest(self) -> None:
        if self._waiting:
            return
        await self._arrived.wait()
        self._arrived.clear()
        await asyncio.sleep(_GATHER_SECONDS)

    async def _turn(self) -> None:
        """Score the items of one project at the head of the queue by each of its shadows."""
        taken: list[_Seen] = []
        while self._waiting and len(taken) < _BATCH_ITEMS:
            if taken and self._waiting[0].project != taken[0].project:
                break
            taken.append(self._waiting.popleft())
        self._bytes -= sum(seen.size for seen in taken)
        view = self.versions.known().get(taken[0].project) if taken else None
        if view is None:
            return
        for shadow in view.shadows:
            at = 0
            while at < len(taken):
                part = taken[at : at + shadow.batcher.quick_items()]
                at += len(part)
                await self._score(shadow, part, view.documents.image_fields)

    async def _quiet(self) -> None:
        """Return once the loop is idle: a sleep ends on time, and no call is scored or decoded."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _PAUSE_SECONDS
            await asyncio.sleep(_PAUSE_SECONDS)
            is_late = loop.time() - due >= _LATE_SECONDS
            if not is_late and self.versions.idle and self.pictures.decoder.idle:
                return

    async def _score(
        self, shadow: LoadedVersion, part: Sequence[_Seen], images: Sequence[str]
    ) -> None:
        await self._quiet()
        started = time.monotonic()

        async def use(_: Sequence[int], rows: list[Data]) -> Sequence[Score | None]:
            # At once, also if calls have come: they may wait for the memory that this holds.
            try:
                return await shadow.batcher.run_unbatched(shadow.batcher.runs.measured, rows)
            except ModelTimedOut:
                return [None] * len(rows)

        data, _ = await self.pictures.open([seen.item.data for seen in part], images)
        scores = await self.pictures.each(data, images, shadow.layouts, use, admit=None)
        lines = _lines(shadow, part, scores, self.now())
        self.rows.append(part[0].project, lines)
        unscored = scores.count(None)
        SHADOW_SCORED.inc(len(part) - unscored)
        SHADOW_UNSCORED.inc(unscored)
        await asyncio.sleep(_REST * (time.monotonic() - started))


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
