"""Reviewers' time, what a review and an error cost, and when an optional review pays (pure)."""

from pydantic import Field

from shared.contracts.base import Message


class CapacitySettings(Message):
    """How many hours all reviewers together work a day, and what a review and an error cost.

    Both prices are in one currency; null says that a figure is not known. Without both prices no
    item goes to an optional review; one that does gets the model's answer after
    `optional_wait_seconds`. No certificate is about any of it.
    """

    reviewer_hours_per_day: float | None = Field(default=None, ge=0, le=100_000)
    price_review: float | None = Field(default=None, ge=0, le=1_000_000_000)
    price_error: float | None = Field(default=None, ge=0, le=1_000_000_000)
    optional_wait_seconds: float = Field(default=1200, ge=1, le=86_400)


def review_saving(confidence: float, price_review: float, price_error: float) -> float:
    """Return what a review of an item is expected to save; negative if it costs more.

    ``price_error * (1 - confidence) - price_review``: the model's answer is wrong with probability
    1 - confidence, and the reviewers' answer is taken to be right.

    Parameters
    ----------
    confidence : in [0, 1]
        Calibrated probability of the model's answer.
    price_review, price_error : at least 0, in one currency

    Examples
    --------
    >>> round(review_saving(0.97, price_review=0.5, price_error=20), 6)
    0.1
    """
    return price_error * (1.0 - confidence) - price_review


def is_worth_review(confidence: float, capacity: CapacitySettings) -> bool:
    """Say whether a review of a certified item is expected to save more than it costs.

    Not if a price is not stated.

    Parameters
    ----------
    confidence : in [0, 1]
        Calibrated probability of the model's answer.

    Examples
    --------
    >>> [is_worth_review(0.97, CapacitySettings(price_review=p, price_error=20)) for p in (0.5, 1)]
    [True, False]
    >>> is_worth_review(0.5, CapacitySettings(price_error=20))
    False
    """
    price_review, price_error = capacity.price_review, capacity.price_error
    if price_review is None or price_error is None:
        return False
    return review_saving(confidence, price_review, price_error) > 0
