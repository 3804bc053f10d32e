"""Problems of scoring."""

import math

from shared.problems import Unavailable


class ModelTimedOut(Unavailable):
    """A run of the model was ended at its deadline, or is overdue."""

    kind, title = "model-timed-out", "Model took too long"

    def __init__(self, version: str, seconds: float) -> None:
        super().__init__(
            f"Version {version} took longer than {seconds:g} seconds over a batch; send the call "
            "again with fewer or smaller items, and tell an operator if it recurs.",
            retry_after_seconds=math.ceil(seconds),
        )
