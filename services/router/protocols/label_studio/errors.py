"""Problems of the Label Studio backend."""

from shared.problems import Unavailable


class TrainerUnreachable(Unavailable):
    """The trainer is away."""

    kind = "trainer-unreachable"

    def __init__(self) -> None:
        super().__init__("The trainer is away; ask again.")
