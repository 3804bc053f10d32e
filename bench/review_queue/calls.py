"""The two calls of a cycle as each server takes them, and what their answers say. Pure."""

from typing import Any, Protocol

import orjson

from bench.review_queue.databases import LABELS

_HEAD_END = b"\r\n\r\n"


class Calls(Protocol):
    """How to ask a server for a task, and how to answer it."""

    def lease(self, credential: str) -> bytes:
        """Return the request for the next task."""

    def leased(self, answer: bytes) -> tuple[str, str] | None:
        """Return (what the verdict's path needs, task); None when there is no task."""

    def verdict(self, credential: str, handle: str) -> bytes:
        """Return the request that answers the task."""


class OurCalls:
    """The review queue's own, and those of the plain wrapper, which takes the same."""

    _VERDICT = orjson.dumps({"label": LABELS[1], "active_seconds": 4.5})

    def __init__(self, project: str) -> None:
        self._path = f"/v1/projects/{project}/leases"

    def lease(self, credential: str) -> bytes:
        """Ask for one task, without waiting."""
        return _request("POST", self._path, f"Bearer {credential}", b'{"count":1}')

    def leased(self, answer: bytes) -> tuple[str, str] | None:
        """Return the lease's token and its task."""
        leases = orjson.loads(_body(answer))["leases"]
        return (leases[0]["token"], leases[0]["task"]["task_id"]) if leases else None

    def verdict(self, credential: str, handle: str) -> bytes:
        """Give a label, and say how long one was at work."""
        return _request(
            "POST", f"/v1/leases/{handle}/verdict", f"Bearer {credential}", self._VERDICT
        )


class LabelStudioCalls:
    """Label Studio's: the next task of a project, and an annotation of it."""

    _ANNOTATION = orjson.dumps(
        {
            "result": [
                {
                    "from_name": "mood",
                    "to_name": "review",
                    "type": "choices",
                    "value": {"choices": [LABELS[1]]},
                }
            ],
            "lead_time": 4.5,
        }
    )

    def __init__(self, project: str) -> None:
        self._path = f"/api/projects/{project}/next/"

    def lease(self, credential: str) -> bytes:
        """Ask for the next task."""
        return _request("GET", self._path, f"Token {credential}", b"")

    def leased(self, answer: bytes) -> tuple[str, str] | None:
        """Return the task's number."""
        task: Any = orjson.loads(_body(answer)).get("id")
        return None if task is None else (str(task), str(task))

    def verdict(self, credential: str, handle: str) -> bytes:
        """Annotate the task."""
        path = f"/api/tasks/{handle}/annotations/"
        return _request("POST", path, f"Token {credential}", self._ANNOTATION)


KINDS: dict[str, type[OurCalls] | type[LabelStudioCalls]] = {
    "ours": OurCalls,
    "label-studio": LabelStudioCalls,
}


def _request(method: str, path: str, authorization: str, body: bytes) -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _body(answer: bytes) -> bytes:
    """Return an answer's body; a chunked one has its chunks joined."""
    head, _, body = answer.partition(_HEAD_END)
    if b"transfer-encoding: chunked" not in head.lower():
        return body
    joined = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        joined, body = joined + rest[:length], rest[length + 2 :]
    return joined
