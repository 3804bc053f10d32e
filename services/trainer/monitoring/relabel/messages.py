"""Bodies of the routes of relabel plans."""

from typing import Literal

from pydantic import Field

from services.trainer.monitoring.slices.messages import PredicateView
from shared.contracts.base import Message, UtcTime

MOST_LABELS = 10_000
TrancheName = Literal["aligned", "random"]


class PlanRequest(Message):
    """The body of ``POST …/relabel-plans``: how many labels; null for as many as start a run."""

    labels: int | None = Field(default=None, ge=1, le=MOST_LABELS)


class PlanPart(Message):
    """One stratum of the new items: `items` are drawn of the `of` that there are."""

    words: str
    items: int
    of: int
    is_slice: bool


class Tranche(Message):
    """Items that are to be labelled for one purpose, and why so many."""

    name: TrancheName
    items: int
    reason: str
    parts: list[PlanPart] = []


class PlannedSlice(Message):
    """A failing slice that the plan covers."""

    words: str
    predicates: list[PredicateView]


class PlanDocument(Message):
    """What a plan says from its beginning on.

    `new_items` are the decisions since `since` (null: the newest ones, since no drift was found)
    that people have not labelled and that may train.
    """

    version: str
    since: UtcTime | None
    new_items: int
    tranches: list[Tranche]
    slices: list[PlannedSlice] = []


class PlanView(PlanDocument):
    """A relabel plan, and how far it is; `labelled` of its items have a label from people."""

    plan_id: str
    state: Literal["planned", "started"]
    created_at: UtcTime
    started_at: UtcTime | None
    items: int
    posted: int
    refused: int
    labelled: int


class Plans(Message):
    """The answer of ``GET …/relabel-plans``: the newest hundred, newest first."""

    plans: list[PlanView]
