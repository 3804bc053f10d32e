"""What is told of people: agreement, statistics of reviewers, what looks mislabelled."""

from services.review_queue.quality.gold.messages import Count, Pause
from shared.contracts.base import Label, Message, Probability, UtcTime
from shared.contracts.tasks import Lane

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
    """A model version against one reviewer: its label against his, on the tasks that he answered.

    `blind`: whether he answered them without seeing a suggestion.
    """

    reviewer: str


class Agreement(Message):
    """How far people agree with one another, and versions with people.

    `tasks` have verdicts of two reviewers or more; `verdicts` are those. `most_given` is the share
    of the label that was given most: above some 0.9, read `ac1` rather than `alpha`. `fleiss` is
    null unless all these tasks have as many verdicts.
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

    Who takes wrong ones nearly as often as right ones does not look: a rubber stamp. Null where he
    was shown none.
    """

    right: Acceptance | None
    wrong: Acceptance | None


class ChangedAnswers(Message):
    """What a reviewer took back, among his `answers` of 30 days.

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

    `onboarding_left` gold tasks come before real work, as long as there is gold for him:
    `gold_left` is how many gold tasks he has not had, and while he is onboarding, how many he has
    skipped, which come again; at 0 it has run out. `warnings` say in words what to look at.
    """

    suggestions: SuggestionsTaken
    changed_answers: ChangedAnswers
    warnings: list[str]
    onboarding_left: Count
    gold_left: Count
    pause: Pause | None


class ReviewerList(Message):
    """A page of reviewers, by name; with those who are paused and have done nothing."""

    reviewers: list[ReviewerReport]
    cursor: str | None


class Suspect(Message):
    """A resolved task whose label looks wrong to the model that scored its item.

    `margin` is by how much more probable the model held `suspected_label` than `label`.
    """

    task_id: str
    item_id: str
    lane: Lane
    label: Label
    suspected_label: Label
    margin: Probability
    model_version: str | None
    verdicts: Count
    resolved_at: UtcTime


class SuspectList(Message):
    """A page of suspects, the most suspicious first, out of `considered` outcomes."""

    suspects: list[Suspect]
    considered: Count
    cursor: str | None
