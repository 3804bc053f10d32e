"""Dead letters: lines that the review queue will never take, kept as long as their project says.

A letter is `{"line", "cause"}`, and `at` since the expiry first saw it: from then its days count.
"""

import asyncio
import math
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from services.router.disk import sync_folder
from shared.loops import Loop

DEAD_LETTERS_FILE = "dead-letter.jsonl"

_EXPIRE_SECONDS = 3600.0
_LOOK_SECONDS = 2.0


class Expiry:
    """Drops old dead letters each hour.

    `retention` gives the days that each known project keeps its rows.
    """

    def __init__(
        self,
        expire: Callable[[datetime, Mapping[str, float]], Awaitable[None]],
        *,
        now: Callable[[], datetime],
        retention: Callable[[], Mapping[str, float]],
    ) -> None:
        self._expire = expire
        self._now = now
        self._retention = retention
        self._due_at = -math.inf
        self.loop = Loop("dead_letters", self._turn, partial(asyncio.sleep, _LOOK_SECONDS))

    async def _turn(self) -> None:
        retention = self._retention()
        # Until the first project is known it is of no use.
        if retention and time.monotonic() >= self._due_at:
            await self._expire(self._now(), retention)
            self._due_at = time.monotonic() + _EXPIRE_SECONDS


def expire_file(path: Path, now: datetime, retention: Mapping[str, float]) -> None:
    """Write a file of dead letters anew without those that are too old; none left, no file.

    Letters of projects that are not known stay, and unreadable ones as long as any project says.
    """
    if not path.exists():
        return
    fresh = path.with_suffix(".new")
    is_changed = False
    with path.open("rb") as letters, fresh.open("wb") as kept:
        os.fchmod(kept.fileno(), 0o600)
        for line in letters:
            letter = _letter(line, now)
            if now - datetime.fromisoformat(letter["at"]) > _kept_for(letter, retention):
                is_changed = True
                continue
            left = orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE)
            is_changed = is_changed or left != line
            kept.write(left)
        kept.flush()
        os.fsync(kept.fileno())
    if not is_changed:
        fresh.unlink()
    elif fresh.stat().st_size:
        fresh.replace(path)
    else:
        fresh.unlink()
        path.unlink()
    sync_folder(path.parent)


def _letter(line: bytes, now: datetime) -> dict[str, Any]:
    """Read a letter; what a crash left of one is one of its own."""
    try:
        letter = dict(orjson.loads(line))
    except (ValueError, TypeError):
        letter = {"line": line.decode(errors="replace"), "cause": "unreadable"}
    return {"at": now.isoformat(), **letter}


def _kept_for(letter: Mapping[str, Any], retention: Mapping[str, float]) -> timedelta:
    try:
        days = retention.get(orjson.loads(letter["line"])["project"], math.inf)
    except (ValueError, KeyError, TypeError):
        days = max(retention.values(), default=math.inf)
    return timedelta.max if days == math.inf else timedelta(days=days)
