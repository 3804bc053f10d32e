"""Hand mapped rows to the services that keep them."""

from typing import Any

import orjson

from services.console.pages.data.rows import MappedRows, NumberedItem
from services.console.web.project_pages import call
from services.console.web.visit import Visit

_JSON_LINES = {"Content-Type": "application/x-ndjson"}
# A busy service may take long over a piece; the browser waits, and shows how far it is.
_PATIENT: dict[str, Any] = {"timeout": 60.0, "is_idempotent": True}


async def send_rows(visit: Visit, project: str, mapped: MappedRows) -> dict[str, Any]:
    """Put items without a label into the pool; import those with one as resolved tasks, or as gold.

    Labels of a file train, and are no evidence: lane `optional`.
    """
    sent = {"pooled": 0, "labelled": 0, "gold": 0, "duplicates": 0}
    rejected = list(mapped.rejected)
    lines: dict[str, Any] = {"headers": _JSON_LINES, **_PATIENT}
    if rows := mapped.unlabelled:
        content = _lines(rows)
        answer = await call(visit, "trainer", "POST", project, "pool", content=content, **lines)
        sent["pooled"] += answer["imported"]
        sent["duplicates"] += answer["duplicates"]
        rejected += _rejected(answer, rows)
    if rows := mapped.labelled:
        lines |= {"content": _lines(rows), "params": {"lane": "optional"}}
        answer = await call(visit, "review_queue", "POST", project, "import", **lines)
        sent["labelled"] += answer["created"]
        sent["duplicates"] += answer["existing"]
        rejected += _rejected(answer, rows)
    for start in range(0, len(mapped.gold), _MOST_GOLD):
        rejected += await _send_gold(visit, project, mapped.gold[start:][:_MOST_GOLD], sent)
    return {**sent, "rejected": sorted(rejected, key=lambda one: int(one["line"]))}


_MOST_GOLD = 1_000


async def _send_gold(
    visit: Visit, project: str, rows: list[NumberedItem], sent: dict[str, int]
) -> list[dict[str, Any]]:
    body = {"items": [item for _, item in rows]}
    answer = await call(visit, "review_queue", "POST", project, "gold", json=body, **_PATIENT)
    rejected = []
    for (line, _), receipt in zip(rows, answer["items"], strict=True):
        if receipt["status"] == "created":
            sent["gold"] += 1
        elif receipt["status"] == "existing":
            sent["duplicates"] += 1
        else:
            rejected.append({"line": line, "detail": receipt["detail"] or receipt["status"]})
    return rejected


def _lines(rows: list[NumberedItem]) -> bytes:
    return b"\n".join(orjson.dumps(item) for _, item in rows) + b"\n"


def _rejected(answer: dict[str, Any], rows: list[NumberedItem]) -> list[dict[str, Any]]:
    """Return the rejected rows by the lines of the person's file, not of what was sent on."""
    return [
        {"line": rows[min(max(one["line"], 1), len(rows)) - 1][0], "detail": one["detail"]}
        for one in answer["rejected"]
    ]
