"""Dead letters: lines that the review queue will never take, kept as long as their project says.

A letter is `{"line", "cause"}`, and `at` since the expiry first saw it: from then its days count.
"""

import math
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from services.router.disk import sync_folder

DEAD_LETTERS_FILE = "dead-letter.jsonl"


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
    if is_changed and fresh.stat().st_size:
        fresh.replace(path)
    else:
        fresh.unlink()
        if is_changed:
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
