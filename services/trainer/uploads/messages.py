"""Bodies of the upload of a model."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Label, Message, at_most
from shared.contracts.versions import ModelInput


class OwnManifest(Message):
    """The part `manifest` of ``POST …/versions``: a model's description by its maker.

    `labels` name the columns of the probabilities; left out, they are the project's. `metrics`
    are the maker's own, and kept as they are.
    """

    inputs: list[ModelInput] = Field(min_length=1, max_length=1000)
    outputs: Annotated[dict[Literal["probabilities"], str], *at_most(1)] = Field(min_length=1)
    labels: list[Label] | None = Field(default=None, max_length=1000)
    metrics: Annotated[dict[str, float], *at_most(100)] = {}
