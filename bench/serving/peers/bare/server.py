"""uvicorn, orjson and one `session.run` a request; or, as `fixed`, the same answer to all."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import uvicorn

from bench.serving.peers.graph import FIXED_ANSWER, LABELS, PORT, Graph

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

graph = Graph()


def answer(body: bytes) -> bytes:
    """Score one request's items."""
    items = orjson.loads(body)["items"]
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
    """Return the request's body."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def respond(send: Send, body: bytes) -> None:
    """Send a 200 with `body`."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer every path the same."""
    if scope["type"] == "http":
        await respond(send, answer(await read(receive)))


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
