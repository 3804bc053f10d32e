"""Hand mapped rows to the services that keep them."""

from typing import Any

import orjson

from services.console.pages.data.rows import MappedRows
from services.console.web.project_pages import call
from services.console.web.visit import Visit

_JSON_LINES = {"Content-Type": "application/x-ndjson"}


async def send_rows(visit: Visit, project: str, mapped: MappedRows) -> dict[str, Any]:
    """Put items without a label into the pool, and import those with one as resolved tasks.

    Labels of a file train, and are no evidence: lane `optional`.
    """
    sent: dict[str, Any] = {"pooled": 0, "labelled": 0, "duplicates": 0}
    rejected = list(mapped.rejected)
    if rows := mapped.unlabelled:
        answer = await call(
            visit, "trainer", "POST", project, "pool", content=_lines(rows), headers=_JSON_LINES
        )
        sent["pooled"] += answer["imported"]
        sent["duplicates"] += answer["duplicates"]
        rejected += _rejected(answer, rows)
    if rows := mapped.labelled:
        answer = await call(
            visit, "review_queue", "POST", project, "import",
            params={"lane": "optional"}, content=_lines(rows), headers=_JSON_LINES,
        )  # fmt: skip
        sent["labelled"] += answer["created"]
        sent["duplicates"] += answer["existing"]
        rejected += _rejected(answer, rows)
    return {**sent, "rejected": sorted(rejected, key=lambda one: int(one["line"]))}


def _lines(rows: list[tuple[int, dict[str, Any]]]) -> bytes:
    return b"\n".join(orjson.dumps(item) for _, item in rows) + b"\n"


def _rejected(
    answer: dict[str, Any], rows: list[tuple[int, dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Return the rejected rows by the lines of the person's file, not of what was sent on."""
    return [
        {"line": rows[min(max(one["line"], 1), len(rows)) - 1][0], "detail": one["detail"]}
        for one in answer["rejected"]
    ]
