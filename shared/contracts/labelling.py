"""Which items of the pool people are asked about, and when (pure)."""

from typing import Literal, get_args

from pydantic import Field, field_validator

from shared.contracts.base import Message

Strategy = Literal["auto", "random", "typiclust", "margin"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
MOST_CHOSEN = 5_000
"""Largest batch of a strategy that looks at the items."""
FIRST_LABELS = 50
"""From so many labels on the trainer says which look wrong, before there is a version."""


class LabellingSettings(Message):
    """How batches of the pool are chosen.

    With `automatic` the trainer asks for a batch of `batch_size` items by itself whenever reviewers
    have answered nearly all of the last one, until the project has `most_labels` labels (null: no
    limit) or further labels are not expected to help. `reserve_rate` of imported items is set aside
    at import: no strategy chooses them, so that they can measure and certify a model. A
    rate that is changed after a choice applies to later imports alone, and weighs them otherwise.
    """

    automatic: bool = False
    strategy: Strategy = "auto"
    batch_size: int = Field(default=50, ge=1, le=MOST_CHOSEN)
    most_labels: int | None = Field(default=None, ge=1, le=1_000_000_000)
    reserve_rate: float = Field(default=0.25, ge=0.0, le=0.9)


class StoredLabellingSettings(LabellingSettings):
    """The same in a stored project: a later release may know more strategies."""

    @field_validator("strategy", mode="before")
    @classmethod
    def _known(cls, name: object) -> object:
        return name if name in STRATEGIES else "auto"
