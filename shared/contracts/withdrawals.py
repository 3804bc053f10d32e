"""Withdrawals: tasks of a certification or shadow stage that ended before all labels had come."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import MAX_BATCH, ItemId, Message

WithdrawalStatus = Literal["withdrawn", "returned", "leased", "kept"]


class Withdrawals(Message):
    """The body of ``POST …/withdrawals``: items of a certification or a shadow stage."""

    item_ids: Annotated[list[ItemId], Field(min_length=1, max_length=MAX_BATCH)]


class WithdrawalReceipt(Message):
    """What became of one item's task.

    `withdrawn`: it is closed without an answer. `returned`: another call asked for it too, and it
    is open in that call's lane. `leased`: a reviewer holds it; ask again later. `kept`: it has an
    answer, is in another lane than `certification` or `shadow`, was asked for in both of these, or
    does not exist.
    """

    item_id: str
    status: WithdrawalStatus


class WithdrawalReceipts(Message):
    """The answer of ``POST …/withdrawals``, in the order of the items."""

    items: list[WithdrawalReceipt]
