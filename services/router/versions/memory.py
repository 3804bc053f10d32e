"""Memory of versions that serve no more, given back to the system."""

from typing import Any

from shared.memory import trim


def release(retired: list[Any]) -> None:
    """Let go of versions, and of the memory that they took.

    glibc keeps what is freed: without a trim a router grows by half in its first dozens of reloads.
    Takes some milliseconds: call it in a thread.
    """
    retired.clear()
    trim()
