"""Second opinions: what the trainer asks the review queue for, and what it is told."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import MAX_BATCH, ItemId, Message


class WantedOpinion(Message):
    """An outcome, by its revision, that one reviewer's answer made and that is doubted.

    `lane` is the blind lane in which another reviewer is asked.
    """

    item_id: ItemId
    revision: int = Field(ge=1)
    lane: Literal["audit", "certification"]


class WantedOpinions(Message):
    """The body of ``POST …/second-opinions``."""

    items: Annotated[list[WantedOpinion], Field(min_length=1, max_length=MAX_BATCH)]


OpinionStatus = Literal["asked", "no_reviewer", "refused"]


class OpinionReceipt(Message):
    """What became of one of them.

    `asked`: the next revision of the outcome rests on several answers, or on an adjudicator's.
    `no_reviewer`: no other reviewer has answered in the project lately. `refused`: the newest
    outcome is not that revision, or not one reviewer's answer, or the item is gold or erased.
    """

    item_id: str
    status: OpinionStatus


class OpinionReceipts(Message):
    """The answer of ``POST …/second-opinions``, in the order of the items."""

    items: list[OpinionReceipt]
