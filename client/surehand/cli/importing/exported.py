"""A file that Surehand exported goes back as it is: the review queue reads it whole."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from surehand import Surehand
from surehand.cli.importing.rows import Row
from surehand.endpoints import IMPORT
from surehand.models.tasks import ImportReport

_CHUNK = 256 * 1024
_SECONDS = 600.0
_MEDIA_TYPES = {
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}


def is_export(sample: Sequence[Row]) -> bool:
    """Say whether the rows have the columns of an export as CSV or Parquet."""
    header = sample[0].values
    return "item_id" in header and any(name.startswith("data.") for name in header)


def send_export(
    client: Surehand, project: str, path: Path, form: str, advance: Callable[[int], None]
) -> ImportReport:
    """Stream the file to the review queue; return its report."""

    def chunks() -> Iterator[bytes]:
        with path.open("rb") as file:
            while part := file.read(_CHUNK):
                yield part
                advance(len(part))

    headers = {"Content-Type": _MEDIA_TYPES[form], "Content-Length": str(path.stat().st_size)}
    return client.ask(
        IMPORT, {"project": project}, content=chunks, headers=headers, timeout=_SECONDS
    )
