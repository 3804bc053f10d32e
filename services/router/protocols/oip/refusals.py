"""Refusals as the protocol's clients read them: problem documents with a text in `error`."""

from typing import Any

import orjson
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.problems import MEDIA_TYPE, Problem

_PREFIX = "/v2"
_FAULTS_SHOWN = 5


def refuse(problem: Problem) -> Response:
    """Return `problem` as a response."""
    problem.extensions["error"] = _error(problem.document())
    return problem.response()


def _error(document: dict[str, Any]) -> str:
    """Say in one sentence what the document says: clients show nothing else."""
    faults = document.get("errors")
    if not faults:
        return str(document["detail"])
    shown = [f"{fault['pointer']} {fault['detail']}".strip() for fault in faults[:_FAULTS_SHOWN]]
    more = len(faults) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


class WithError:
    """ASGI middleware: each problem document under ``/v2`` gets its `error`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        concerned = scope["type"] == "http" and scope["path"].startswith(_PREFIX)
        await self.app(scope, receive, _adding(send) if concerned else send)


def _adding(send: Send) -> Send:
    start: Message | None = None
    body = bytearray()

    async def add(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            if headers.get("content-type") == MEDIA_TYPE:
                start = message
                return
        elif start is not None:
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            document = orjson.loads(body)
            document.setdefault("error", _error(document))
            changed = orjson.dumps(document)
            MutableHeaders(raw=start["headers"])["content-length"] = str(len(changed))
            await send(start)
            message = {"type": "http.response.body", "body": changed}
        await send(message)

    return add
