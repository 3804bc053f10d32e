"""Files that go into a project and come out of it."""

from typing import Any

import httpx
import orjson

from tests.harness.desk import Desk, Json, body_of

MEDIA_TYPES = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "label-studio": "application/json",
}


def lines(*records: Json) -> bytes:
    """Records as JSON lines."""
    return b"".join(orjson.dumps(record) + b"\n" for record in records)


async def send(
    desk: Desk, content: Any, form: str = "jsonl", project: str | None = None, **query: Any
) -> httpx.Response:
    """Import `content` as its media type says."""
    return await desk.operator.post(
        desk.path("import", project),
        content=content,
        headers={"Content-Type": MEDIA_TYPES[form]},
        params=query,
    )


async def take_in(
    desk: Desk, content: Any, form: str = "jsonl", project: str | None = None, **query: Any
) -> Json:
    """Import `content`; return the report."""
    return body_of(await send(desk, content, form, project, **query))


async def export(
    desk: Desk, form: str = "jsonl", project: str | None = None, **query: Any
) -> bytes:
    """The file of a project."""
    response = await desk.operator.get(
        desk.path("export", project), params={"format": form, **query}
    )
    assert response.status_code == httpx.codes.OK, response.text
    assert response.headers["content-type"].partition(";")[0] == MEDIA_TYPES[form]
    return response.content


async def records_of(desk: Desk, project: str | None = None, **query: Any) -> list[Json]:
    """What a project holds, but for what follows from its name."""
    found = [
        orjson.loads(line) for line in (await export(desk, project=project, **query)).splitlines()
    ]
    for record in found:
        del record["task_id"]
    return found
