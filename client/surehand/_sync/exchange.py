"""Files: tasks with their answers, and items of the pool."""

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from surehand import endpoints as e
from surehand._sync.answering import Answering
from surehand._sync.concurrency import parts_of, write_to
from surehand.models.tasks import ImportReport

_FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".json": "label-studio",
}
_UPLOAD_SECONDS = 600.0


class Exchange(Answering):
    """Import and export of files."""

    def import_file(
        self,
        project: str,
        path: str | Path,
        *,
        format: str | None = None,  # noqa: A002 - the parameter's name in the API
        lane: str | None = None,
    ) -> ImportReport:
        """Import a file of tasks, with their answers if it has them; a repeated import is harmless.

        Parameters
        ----------
        path
            It is sent as it is read.
        format
            ``jsonl``, ``csv``, ``parquet`` or ``label-studio``; by default the file's suffix says
            it (``.json`` is Label Studio's).
        lane
            Of rows that name none: ``mandatory`` by default.

        Raises
        ------
        ValueError
            The suffix is none of these.
        """
        return self.ask(
            e.IMPORT,
            {"project": project},
            content=partial(parts_of, Path(path)),
            params={"format": format or _format_of(Path(path)), "lane": lane},
            timeout=_UPLOAD_SECONDS,
        )

    @contextlib.contextmanager
    def export(
        self,
        project: str,
        *,
        format: str = "jsonl",  # noqa: A002 - the parameter's name in the API
        **filters: Any,
    ) -> Iterator[httpx.Response]:
        """Give a file of the project's tasks with their answers, to be read as it comes.

        `filters` are those of `client.tasks.list`, but for ``adjudication``.
        """
        route, names = e.EXPORT, {"project": project}
        params = {"format": format, **filters}
        with self.stream(route.service, route.method, route.at(names), params=params) as response:
            yield response

    def export_file(
        self,
        project: str,
        path: str | Path,
        *,
        format: str | None = None,  # noqa: A002 - the parameter's name in the API
        **filters: Any,
    ) -> int:
        """Write such a file to `path`, and return how many bytes it has.

        The file is there as a whole or not at all; by default its suffix says the format.
        """
        name = format or _format_of(Path(path))
        with self.export(project, format=name, **filters) as response:
            return write_to(Path(path), response.iter_bytes())


def _format_of(path: Path) -> str:
    if path.suffix.lower() not in _FORMATS:
        raise ValueError(f"{path.name} has none of the suffixes {', '.join(_FORMATS)}: say format.")
    return _FORMATS[path.suffix.lower()]
