"""Messages of reviewers: their statistics and their tags."""

from services.review_queue.quality.gold.messages import Count, Pause
from shared.contracts.base import Message, Probability, UtcTime
from shared.contracts.review_settings import Tags


class AgreementWithOutcomes(Message):
    """How often a reviewer gave the outcome's label, on resolved tasks that others answered too.

    Among the newest 250,000 verdicts of the project.
    """

    tasks: Count
    agreement: Probability


class GoldAccuracy(Message):
    """A reviewer on tasks whose label is known: share right, and its 95 % credible interval.

    `model_right` and `model_wrong` tell apart what the model had said of the items; null where
    there were none of the kind.
    """

    tasks: Count
    right: Count
    accuracy: Probability
    low: Probability
    high: Probability
    model_right: "GoldShare | None"
    model_wrong: "GoldShare | None"


class GoldShare(Message):
    """Gold tasks of one kind, and how many of them were answered right."""

    tasks: Count
    right: Count


class Acceptance(Message):
    """How often a suggestion was taken, and the 95 % credible interval of that share."""

    tasks: Count
    accepted: Count
    rate: Probability
    low: Probability
    high: Probability


class SuggestionsTaken(Message):
    """What a reviewer does with suggestions on gold, right ones and wrong ones apart.

    A reviewer who takes wrong ones nearly as often as right ones does not look: a rubber stamp.
    Null where none was shown.
    """

    right: Acceptance | None
    wrong: Acceptance | None


class ChangedAnswers(Message):
    """What a reviewer took back, among the `answers` of 30 days.

    `changed` of those `taken_back` were given again with another label: `to_model` with the one
    that the model had said, `evidence` in evidence lanes.
    """

    answers: Count
    taken_back: Count
    changed: Count
    to_model: Count
    evidence: Count


class ReviewerStatistics(Message):
    """What one reviewer has done; answers that were taken back do not count.

    `verdicts_per_hour` is by active time, where it was told. Null where there is nothing to tell.
    """

    reviewer: str
    verdicts: Count
    skips: Count
    skip_rate: Probability | None
    active_seconds_median: float | None
    verdicts_per_hour: float | None
    outcomes: AgreementWithOutcomes | None
    gold: GoldAccuracy | None
    first_seen: UtcTime | None
    last_seen: UtcTime | None


class ReviewerReport(ReviewerStatistics):
    """What operators see beside it.

    `labels` counts the reviewer's answers by label, without gold.
    `onboarding_left` gold tasks come before real work, as long as there are gold tasks left.
    `gold_left` counts those that the reviewer has not had, and during onboarding those skipped,
    which come again. `warnings` say in words what to look at. `tags` are what the reviewer can do.
    """

    labels: dict[str, Count]
    suggestions: SuggestionsTaken
    changed_answers: ChangedAnswers
    warnings: list[str]
    onboarding_left: Count
    gold_left: Count
    tags: list[str]
    pause: Pause | None


class ReviewerList(Message):
    """A page of reviewers, by name; with those who are paused or have tags and have done nothing.

    `note` says why it is not known of anyone on the page how often they are right, and what would
    tell it.
    """

    reviewers: list[ReviewerReport]
    note: str | None
    cursor: str | None


class TagsBody(Message):
    """The body of ``PUT …/reviewers/{reviewer}/tags``: all tags of the reviewer."""

    tags: Tags


class ReviewerTags(Message):
    """A reviewer's tags in a project, such as ``language=de``."""

    reviewer: str
    tags: list[str]
