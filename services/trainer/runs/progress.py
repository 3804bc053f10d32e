"""How a run's process says how far it is: one JSON object a line, on standard output."""

import sys

import orjson


def report(progress: float, message: str) -> None:
    """Say that a share in [0, 1] is done, and in a few words what."""
    sys.stdout.buffer.write(orjson.dumps({"progress": progress, "message": message}) + b"\n")
    sys.stdout.buffer.flush()
