"""Messages of agreement."""

from services.review_queue.quality.gold.messages import Count
from shared.contracts.base import Message, Probability

# 1: always; 0: as often as by chance; null: chance alone would agree on all.
Coefficient = float | None


class Estimate(Message):
    """A coefficient and its 95 % interval, over resampled tasks; nulls where it is undefined."""

    value: Coefficient
    low: Coefficient
    high: Coefficient


class ReviewerPair(Message):
    """Two reviewers on the tasks that both answered: plain agreement and Cohen's kappa.

    `low` and `high` are kappa's 95 % interval, from its large-sample standard error; null where the
    two agree on all, or on nothing.
    """

    first: str
    second: str
    tasks: Count
    agreement: Probability
    kappa: Coefficient
    low: Coefficient
    high: Coefficient


class VersionAgreement(Message):
    """A model version against people: its label against the outcome's, on resolved tasks.

    `blind`: whether those tasks were answered without seeing a suggestion. Where people agree
    with a version much more when they have seen what it suggests, they follow it.
    """

    model_version: str
    blind: bool
    tasks: Count
    agreement: Probability
    kappa: Coefficient
    low: Coefficient
    high: Coefficient


class VersionReviewer(VersionAgreement):
    """A model version against one reviewer: their labels on the tasks that the reviewer answered.

    `blind`: whether the reviewer answered them without seeing a suggestion.
    """

    reviewer: str


class Agreement(Message):
    """How far people agree with one another, and versions with people.

    `tasks` have verdicts of two reviewers or more; `verdicts` are those. `most_given` is the share
    of the label that was given most: above some 0.9, read `ac1` rather than `alpha`. `fleiss` is
    null unless all these tasks have as many verdicts. `note` says why there are no such tasks, and
    what would change that.
    """

    tasks: Count
    verdicts: Count
    most_given: Probability | None
    alpha: Estimate
    ac1: Estimate
    fleiss: Estimate
    pairs: list[ReviewerPair]
    model_versions: list[VersionAgreement]
    version_reviewers: list[VersionReviewer]
    note: str | None = None
