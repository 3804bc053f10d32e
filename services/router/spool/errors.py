"""Problems of the spool."""

from shared.problems import Unavailable


class SpoolFull(Unavailable):
    """The spool has no room."""

    kind = "spool-full"
    logged = False

    def __init__(self) -> None:
        super().__init__(
            "The review queue is away and the spool is full, so nothing is promised; "
            "send the call again.",
            retry_after_seconds=5,
        )


class SpoolUnavailable(Unavailable):
    """Neither the review queue nor the spool took the tasks."""

    kind = "spool-unavailable"

    def __init__(self) -> None:
        super().__init__(
            "The tasks could be stored nowhere, so nothing is promised; send the call again.",
            retry_after_seconds=5,
        )
