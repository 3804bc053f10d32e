"""Memory of versions that serve no more, given back to the system."""

import ctypes

from services.router.versions.loading import LoadedVersion

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)


def release(retired: list[LoadedVersion]) -> None:
    """Let go of graphs, and of the memory that they and their loading took.

    glibc keeps what is freed, apart for each thread that ever loaded one: without a trim a router
    grows by half in its first dozens of reloads. Takes some milliseconds: call it in a thread.
    """
    retired.clear()
    if _trim is not None:
        _trim(0)
