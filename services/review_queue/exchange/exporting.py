"""Exports: pages of tasks, written as they are read."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.review_queue.activity.recording import record
from services.review_queue.exchange import repository
from services.review_queue.exchange.formats import FORMATS, FileFormat, Format
from services.review_queue.exchange.formats.writer import Record
from services.review_queue.lifecycle.tasks.repository import TaskFilter
from services.review_queue.projects.reading import current_project
from shared.contracts.projects import Project
from shared.db import Database, Row

_FIRST_PAGE, _LARGEST_PAGE = 100, 1000
_PAGE_BYTES = 1024 * 1024
_NUMBER_BYTES = 8


@dataclass(frozen=True)
class Export:
    """A file that is made while it is read."""

    media_type: str
    file_name: str
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True)
class ExportService:
    """Gives tasks out, with their answers."""

    database: Database
    now: Callable[[], datetime]

    async def open(self, project_name: str, kind: Format, wanted: TaskFilter) -> Export:
        """Return the tasks of `wanted` as a file, oldest first; `NotFound` without a project.

        Each page is of one moment, and so is each task with its answers; the file as a whole is
        not, where people work meanwhile. That it is given out is written down before it is.
        """
        async with self.database.transaction() as session:
            project = await current_project(session, project_name)
            record(
                session,
                "tasks.exported",
                self.now(),
                project=project_name,
                format=kind,
                **_asked(wanted),
            )
        form = FORMATS[kind]
        file_name = f"{project.project}-tasks.{form.suffix}"
        return Export(form.media_type, file_name, self._chunks(project, form, wanted))

    async def _chunks(
        self, project: Project, form: FileFormat, wanted: TaskFilter
    ) -> AsyncIterator[bytes]:
        writer = await asyncio.to_thread(form.write, project)
        yield writer.begin()
        async for page in self._pages(project.project, wanted):
            # Elsewhere, so that who leases a task meanwhile does not wait for it.
            yield await asyncio.to_thread(writer.records, page)
        yield await asyncio.to_thread(writer.end)

    async def _pages(self, project: str, wanted: TaskFilter) -> AsyncIterator[list[Record]]:
        now, after, limit = self.now(), None, _FIRST_PAGE
        while True:
            async with self.database.reading() as session:
                await repository.view(session)
                rows = await repository.page(
                    session, project, wanted, now=now, after=after, limit=limit
                )
                answers = await repository.standing(session, [row.task_id for row in rows])
            if not rows:
                return
            yield _records(rows, answers)
            after = (rows[-1].created_at, rows[-1].task_id)
            fitting = _PAGE_BYTES * len(rows) // sum(_weight(row.data) for row in rows)
            limit = min(2 * limit, _LARGEST_PAGE, max(fitting, 1))


def _asked(wanted: TaskFilter) -> dict[str, Any]:
    asked = {key: value for key, value in vars(wanted).items() if value is not None}
    if wanted.older_than is not None:
        asked["older_than"] = wanted.older_than.total_seconds()
    return asked


def _records(rows: Sequence[Row], answers: Sequence[Row]) -> list[Record]:
    verdicts: dict[str, list[Record]] = defaultdict(list)
    for answer in answers:
        said = dict(answer._mapping)
        verdicts[said.pop("task_id")].append(said)
    return [dict(row._mapping) | {"verdicts": verdicts[row.task_id]} for row in rows]


def _weight(data: Mapping[str, Any]) -> int:
    """About how many bytes an item has."""
    return 1 + sum(
        len(value) if isinstance(value, str) else _NUMBER_BYTES * len(value)
        for value in data.values()
        if isinstance(value, str | list | dict)
    )
