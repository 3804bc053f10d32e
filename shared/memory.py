"""The memory of the C library: what is freed goes back to the system. For glibc alone."""

import ctypes

_LIBRARY = ctypes.CDLL(None)
_ARENA_MAX = -8


def keep_one_arena() -> None:
    """Let all threads share one arena; before there are any.

    With one for each thread that ever loads a model, a router keeps a tenth more. Python's own lock
    lets one thread at a time allocate anyway, nearly always.
    """
    if hasattr(_LIBRARY, "mallopt"):
        _LIBRARY.mallopt(_ARENA_MAX, 1)


def trim() -> None:
    """Give back what is free. Takes some milliseconds: call it in a thread."""
    if hasattr(_LIBRARY, "malloc_trim"):
        _LIBRARY.malloc_trim(0)
