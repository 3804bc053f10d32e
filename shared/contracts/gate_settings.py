"""What the promotion gate asks of a version, and how a version that passes takes over."""

from typing import Annotated

from pydantic import Field, field_validator

from shared.contracts.base import Message
from shared.contracts.review_settings import MetadataKey

CanaryShare = Annotated[float, Field(gt=0, lt=1)]


class ShadowSettings(Message):
    """How a version that passed is compared on live traffic before it gets a share of it.

    A `share` of the contents, drawn by a key, is scored by both versions. People are asked about
    the items on which they differ, at most `labels` of them. After `days` it ends undecided.
    """

    labels: int = Field(default=200, ge=1, le=10_000)
    share: float = Field(default=1.0, gt=0, le=1)
    days: float = Field(default=14.0, gt=0, le=365)


class GateSettings(Message):
    """How a challenger is compared with the champion, and the stages of its way to all traffic.

    `margin`, `brier_margin` and `coverage_margin` are what accuracy, Brier score and coverage may
    lose; no `margin` stands for half of the error that the promise allows. `alpha` is the chance
    that any of the versions that are tried against one champion passes though it is worse by the
    margin. Each value of the metadata keys `slices` is tested by itself once it has `slice_items`.
    `gold_share` of the contents never train, and are compared over all traffic.

    With `shadow`, a certified version that passes is then compared with a certified champion on
    live traffic, before it answers any. With `canary`, it then gets these shares of the champion's
    traffic one after the other, each until `canary_audits` of its answers were audited and
    reviewed. `rollback_on_alarm`: a champion that its audit suspends gives way to the previous one,
    if that is certified.
    """

    margin: float | None = Field(default=None, gt=0, lt=0.5)
    alpha: float = Field(default=0.05, gt=0, le=0.25)
    slices: list[MetadataKey] = Field(default=[], max_length=10)
    slice_items: int = Field(default=50, ge=1, le=1_000_000)
    brier_margin: float = Field(default=0.02, gt=0, lt=1)
    coverage_margin: float = Field(default=0.05, ge=0, lt=1)
    gold_share: float = Field(default=0.0, ge=0, le=0.5)
    shadow: ShadowSettings | None = None
    canary: list[CanaryShare] = Field(default=[], max_length=10)
    canary_audits: int = Field(default=50, ge=1, le=1_000_000)
    rollback_on_alarm: bool = False

    @field_validator("canary")
    @classmethod
    def _rising(cls, shares: list[float]) -> list[float]:
        if sorted(set(shares)) != shares:
            raise ValueError("the shares of a canary must rise")
        return shares
