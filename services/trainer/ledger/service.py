"""Read the decision log: each file once, its rows and its mark in one transaction."""

import asyncio
import contextlib
import time
import zlib
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import structlog

from services.trainer.content import content_hash
from services.trainer.erasure import repository as erasure
from services.trainer.ledger import repository
from services.trainer.ledger.days import repository as days_repository
from services.trainer.ledger.days.counting import count_days
from services.trainer.ledger.explanation import PromiseRecord, explain
from services.trainer.ledger.repository import DecisionFilter
from services.trainer.projects.repository import locking, read_state
from services.trainer.resources import Resources
from services.trainer.tables import LedgerFile, LedgerRow
from shared.contracts.base import from_stored, read_stored
from shared.contracts.decisions import DecisionRow
from shared.store import decisions_prefix

log = structlog.get_logger()

Rows = list[dict[str, Any]]
# A long log takes long to list: reading it may take a twentieth of the time at most.
_REST = 20.0


class LedgerReader:
    """Reads the decision logs of projects, and remembers which files it knows."""

    def __init__(self) -> None:
        # By project and by day of the log, as long as the day is looked at.
        self._known: dict[str, dict[str, set[str]]] = {}
        self._due_at: dict[str, float] = {}

    async def read_if_due(self, resources: Resources, project: str) -> bool:
        """Read what is new, unless the last reading was too recent; say whether it was read."""
        started = time.monotonic()
        if started < self._due_at.get(project, 0.0):
            return False
        await self.read(resources, project)
        ended = time.monotonic()
        self._due_at[project] = ended + _REST * (ended - started)
        return True

    def forget(self, project: str) -> None:
        """Forget which files of a project are known: it was deleted."""
        self._known.pop(project, None)

    def due_in(self, project: str) -> timedelta:
        """Return how long to wait with the next reading."""
        return timedelta(seconds=max(0.0, self._due_at.get(project, 0.0) - time.monotonic()))

    async def read(self, resources: Resources, project: str, *, days_back: int = 1) -> int:
        """Read every new file of the decision log; return how many decisions were new.

        Days more than `days_back` before the newest day that was read are not listed.
        """
        async with resources.database.reading() as session:
            state = await read_state(session, project)
        total = 0
        last = None if state is None else state.ledger_day
        days = await _days(resources, project, last, days_back)
        before, by_day = self._known.get(project, {}), dict[str, set[str]]()
        self._known[project] = by_day
        for day in days:
            folder = f"{decisions_prefix(project)}/{day}"
            if day not in before:
                async with resources.database.reading() as session:
                    before[day] = await repository.files_read(session, project, folder)
            known = by_day[day] = before[day]
            for path in await resources.store.files(folder):
                if path.endswith(".jsonl.gz") and path not in known:
                    total += await _read_file(resources, project, day, path)
                    known.add(path)
        return total


async def _days(resources: Resources, project: str, last: str | None, days_back: int) -> list[str]:
    """Days of the log that may hold a new file: a replica may ship yesterday's leftovers."""
    days = await resources.store.folders(decisions_prefix(project))
    if last is None:
        return days
    try:
        floor = (date.fromisoformat(last) - timedelta(days=days_back)).isoformat()
    except ValueError:
        return days
    return [day for day in days if day >= floor]


async def _read_file(resources: Resources, project: str, day: str, path: str) -> int:
    body = await resources.store.read(path)
    if body is None:
        return 0
    rows, bad_lines, is_whole = await asyncio.to_thread(_parse, project, body)
    if bad_lines or not is_whole:
        log.error("decision_file_corrupt", project=project, path=path, bad_lines=bad_lines)
    known = await resources.projects.last(project)
    if known is not None and known.first_revision > 1:
        # Others are about an earlier project of the name, which was deleted.
        rows = [row for row in rows if row["received_at"] >= known.created_at]
    file = LedgerFile(
        project=project,
        path=path,
        state="read" if is_whole and not bad_lines else "corrupt",
        lines=len(rows),
        bad_lines=bad_lines,
        read_at=resources.now(),
    )
    # Before erased items lose their confidence: a count says nothing of one item.
    counts = count_days(rows)
    async with locking(resources.database, project) as (session, state):
        state.ledger_day = max(state.ledger_day or day, day)
        erased = await erasure.erased_among(session, project, (row["item_id"] for row in rows))
        for row in rows:
            if row["item_id"] in erased:
                row |= {"content_hash": content_hash({}), "row": erasure.emptied(row["row"])}
        if not await repository.record_file(session, file, rows):
            return 0
        await days_repository.add(session, project, counts)
        return len(rows)


def _parse(project: str, body: bytes) -> tuple[Rows, int, bool]:
    """Rows, the number of malformed lines, and whether the file could be read to its end."""
    # A torn file still gives what stands before the tear.
    stream, text = zlib.decompressobj(wbits=31), bytearray()
    with contextlib.suppress(zlib.error):
        for start in range(0, len(body), 1024):
            text += stream.decompress(body[start : start + 1024])
    rows: Rows = []
    bad_lines = 0
    for line in text.split(b"\n"):
        if not line.strip():
            continue
        try:
            rows.append(_row(project, read_stored(DecisionRow, bytes(line))))
        except ValueError:
            bad_lines += 1
    return rows, bad_lines, stream.eof and not stream.unused_data


def _row(project: str, row: DecisionRow) -> dict[str, Any]:
    return {
        "project": project,
        "item_id": row.item_id,
        "received_at": row.received_at,
        "content_hash": content_hash(row.data),
        "review": row.review,
        "decision": row.decision,
        "audited": row.audited,
        "label": row.label,
        "model_version": row.model_version,
        "row": row.model_dump(mode="json"),
    }


async def list_decisions(
    resources: Resources, project: str, wanted: DecisionFilter, after: int, limit: int
) -> Sequence[LedgerRow]:
    """Return the wanted decisions in the order of reading."""
    async with resources.database.reading() as session:
        return await repository.decisions(session, project, wanted, after, limit)


async def explained(
    resources: Resources, project: str, rows: Sequence[LedgerRow]
) -> list[dict[str, Any]]:
    """Return the rows as they were logged, each with its `explanation`."""
    decided = [from_stored(DecisionRow, row.row) for row in rows]
    record = await promise_record(resources, project, decided)
    return [
        row.row | {"explanation": explain(one, record.at(one.model_version, one.decided_at))}
        for row, one in zip(rows, decided, strict=True)
    ]


async def promise_record(
    resources: Resources, project: str, decided: Sequence[DecisionRow]
) -> PromiseRecord:
    """Return what is on record of the promises under which these decisions were made."""
    versions = {row.model_version for row in decided if row.model_version is not None}
    if not versions:
        return PromiseRecord()
    newest = max(row.decided_at for row in decided)
    async with resources.database.reading() as session:
        return await repository.promise_record(session, project, versions, newest)
