"""Child processes that modes of files hold for, even where tests run as root."""

import ctypes
from collections.abc import Callable

_PR_CAPBSET_DROP = 24
# Pass over modes when writing and reading, act as the owner of others' files, mount.
_CAPABILITIES = (1, 2, 3, 21)


def without_powers() -> Callable[[], None]:
    """Return a `preexec_fn`: what is then executed has no capability to pass over modes."""
    library = ctypes.CDLL(None)

    def drop() -> None:
        for capability in _CAPABILITIES:
            # An ordinary user may not drop what he does not have: that is as well.
            library.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)

    return drop
