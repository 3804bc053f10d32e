"""Bodies of the figures."""

from typing import Any, Literal

from shared.contracts.base import Message


class ReliabilityBin(Message):
    """Neighbouring confidences, from `lowest` to `highest`, and how often they were right.

    `lower` and `upper` are the 95 % interval of the accuracy (Clopper and Pearson).
    """

    labels: int
    lowest: float
    highest: float
    confidence: float
    accuracy: float
    lower: float
    upper: float


class RiskCoveragePoint(Message):
    """What comes of answering all that reaches `threshold`: `errors` of `accepted` labels.

    `risk` is their share, `lower` and `upper` its 95 % interval (Clopper and Pearson), each point
    for itself.
    """

    threshold: float
    coverage: float
    accepted: int
    errors: int
    risk: float
    lower: float
    upper: float


class Reliability(Message):
    """The answer of ``GET …/reliability``.

    `evidence` is `out_of_fold` for a version that was trained here, each label judged by a model
    that had not learned from it; `labels_at_hand` for one from elsewhere, which may have. With
    `is_uniform` the labels were drawn without a model's say; otherwise `note` says what that means.
    Intervals are Clopper and Pearson's, 95 %, each for itself.
    """

    version: str
    evidence: Literal["out_of_fold", "labels_at_hand"]
    calibration: dict[str, Any]
    labels: int
    is_uniform: bool
    accuracy: float | None
    mean_confidence: float | None
    calibration_error: float | None
    bins: list[ReliabilityBin]
    risk_coverage: list[RiskCoveragePoint]
    note: str | None


class ConfusionCell(Message):
    """How many items that people gave `label` the model called `predicted`."""

    label: str
    predicted: str
    items: int


class Confusion(Message):
    """The answer of ``GET …/versions/{version}/confusion``; cells without an item are left out.

    Of labels that the model had not learned from, each counted once. `note` says why there is no
    cell: nothing is recorded of a version from elsewhere.
    """

    version: str
    labels: list[str]
    items: int
    cells: list[ConfusionCell]
    note: str | None


class WhatIf(Message):
    """The answer of ``GET …/what-if``: advice from out-of-fold evidence, not a certificate.

    Without `threshold` no confidence keeps the target, and all goes to people.
    `errors_per_thousand` are wrong answers in a thousand items. Costs are null without the prices,
    and `reviews_per_reviewer_hour` (the pace that keeps up) without `reviewers_hours`.
    """

    version: str
    target_accuracy: float
    confidence: float
    threshold: float | None
    share_answered: float
    error_rate: float
    errors_per_thousand: float
    items_per_hour: float
    reviews_per_hour: float
    labels_without_error: int
    audits_to_detect: int | None
    days_to_detect: float | None
    reviews_per_reviewer_hour: float | None
    cost_per_hour: float | None
    cost_per_hour_all_reviewed: float | None
    note: str


class ComparisonChange(Message):
    """Items with `label` that the first version called `first`, and the second one `second`."""

    label: str
    first: str
    second: str
    items: int


class ComparisonExample(Message):
    """An item that two versions do not agree on; `label` is what people gave it."""

    item_id: str
    label: str
    first: str
    second: str
    first_confidence: float
    second_confidence: float
    data: dict[str, Any]


class Comparison(Message):
    """The answer of ``GET …/compare``: two versions on the same labels, new to each.

    `difference` is the second version's accuracy less the first's, with Tango's 95 % interval.
    `metrics` and `confusion` are of the first and of the second; the metrics are of all labels of
    each. `changes` counts the items that they call differently, `examples` has up to 50 of them,
    those that both are surest of. Figures are null, and lists empty, where no item is in common.
    """

    versions: list[str]
    metrics: list[dict[str, float]]
    items: int
    both_right: int
    only_first_right: int
    only_second_right: int
    both_wrong: int
    differing: int
    difference: float | None
    lower: float | None
    upper: float | None
    confusion: list[list[ConfusionCell]]
    changes: list[ComparisonChange]
    examples: list[ComparisonExample]
    note: str | None
