"""uvicorn, orjson, checks by hand and one `session.run` a request.

What an engineer who wants a fast service writes without a framework: POST to one path, a bounded
body, every member checked, 400, 404, 413 and 422 with a sentence. The graph runs in the event loop:
for so short a run a thread costs more. As `fixed`, the same answer to all.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import uvicorn

from bench.serving.peers.graph import FIXED_ANSWER, LABELS, PORT, Graph

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MOST_ITEMS, LONGEST_ID, LONGEST_TEXT, MOST_BYTES = 1000, 200, 20_000, 8 * 1024 * 1024

graph = Graph()


class Refused(Exception):  # noqa: N818 - a response
    """A request that is not taken: its status, and what is wrong."""

    def __init__(self, status: int, detail: str) -> None:
        self.status, self.detail = status, detail


def checked(body: bytes) -> list[Any]:
    """Return the items of a request's body; raise `Refused`."""
    try:
        items = orjson.loads(body)["items"]
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"not JSON: {error}") from error
    except (KeyError, TypeError) as error:
        raise Refused(422, "send an object with `items`") from error
    if not isinstance(items, list) or not 0 < len(items) <= MOST_ITEMS:
        raise Refused(422, f"send 1 to {MOST_ITEMS} items")
    for i, item in enumerate(items):
        if not isinstance(item, dict):
            raise Refused(422, f"/items/{i} must be an object")
        item_id, data = item.get("item_id"), item.get("data")
        if not isinstance(item_id, str) or not 0 < len(item_id) <= LONGEST_ID:
            raise Refused(422, f"/items/{i}/item_id must have 1 to {LONGEST_ID} characters")
        text = data.get("text") if isinstance(data, dict) else None
        if not isinstance(text, str) or len(text) > LONGEST_TEXT:
            raise Refused(422, f"/items/{i}/data/text must be at most {LONGEST_TEXT} characters")
    return items


def answer(body: bytes) -> bytes:
    """Score one request's items; raise `Refused`."""
    items = checked(body)
    rows = graph.run([item["data"]["text"] for item in items]).tolist()
    predictions = [
        {
            "item_id": item["item_id"],
            "label": LABELS[row[1] > row[0]],
            "confidence": max(row),
            "probabilities": dict(zip(LABELS, row, strict=True)),
        }
        for item, row in zip(items, rows, strict=True)
    ]
    return orjson.dumps({"predictions": predictions})


async def read(receive: Receive) -> bytes:
    """Return the request's body; raise `Refused`."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            raise Refused(413, f"send at most {MOST_BYTES} bytes")
        more = message.get("more_body", False)
    return body


async def respond(send: Send, body: bytes, status: int = 200) -> None:
    """Send `body`."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer one request."""
    if scope["type"] != "http":
        return
    try:
        if scope["path"] != "/predict" or scope["method"] != "POST":
            raise Refused(404, "POST to /predict")  # noqa: TRY301 - one place answers refusals
        body, status = answer(await read(receive)), 200
    except Refused as refused:
        body, status = orjson.dumps({"detail": refused.detail}), refused.status
    await respond(send, body, status)


FIXED = answer(b'{"items":[{"item_id":"fixed-0","data":{"text":"the same answer to all"}}]}')


async def fixed(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer every request with the same bytes: what server and load generator can do at all."""
    if scope["type"] == "http":
        await read(receive)
        await respond(send, FIXED)


if __name__ == "__main__":
    # `lifespan` off: neither application has one.
    uvicorn.run(
        fixed if FIXED_ANSWER else app,
        host="127.0.0.1", port=PORT, access_log=False, log_level="warning", lifespan="off",
    )  # fmt: skip
