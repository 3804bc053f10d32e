"""Problems of too much load."""

from shared.problems import Unavailable


class Overloaded(Unavailable):
    """More waits than can be answered in time."""

    kind = "overloaded"
    logged = False

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(
            "Too much waits already; send the call again as `Retry-After` says, or elsewhere.",
            retry_after_seconds=retry_after_seconds,
        )
