"""Bodies of the routes of batches."""

from pydantic import Field, model_validator

from shared.contracts.base import Message, UtcTime
from shared.contracts.labelling import MOST_CHOSEN, Strategy

_MOST = 100_000


class BatchRequest(Message):
    """The body of ``POST …/pool/batches``; at most 5,000 items of a strategy but `random`."""

    strategy: Strategy = "auto"
    size: int = Field(ge=1, le=_MOST)

    @model_validator(mode="after")
    def _is_bounded(self) -> "BatchRequest":
        if self.strategy != "random" and self.size > MOST_CHOSEN:
            raise ValueError(
                f"a batch of strategy {self.strategy} has at most {MOST_CHOSEN} items: ask for "
                "several, or for random"
            )
        return self


class Batch(Message):
    """A batch: `tasks` items were asked about, of each of `arms` so many.

    `used` is the strategy that chose: `typiclust` stands in for `margin` where there is no model,
    whose `version` is null then. `candidates` is how many items were compared.
    """

    batch_id: str
    strategy: str
    used: str
    size: int
    tasks: int
    arms: dict[str, int]
    candidates: int
    version: str | None
    requested_by: str
    created_at: UtcTime


class Batches(Message):
    """A page of batches, newest first."""

    batches: list[Batch]
    cursor: str | None
