"""Bodies of the routes of labelling."""

from typing import Literal

from services.trainer.readiness.checks import Missing
from shared.contracts.base import Message, Probability, UtcTime

Stage = Literal["seed", "learning", "stopped"]


class StopAdvice(Message):
    """Whether to ask for further labels.

    `coverage_per_100_labels` is how much the share that can be answered is expected to rise; null
    where fewer than two versions are measured.
    """

    advice: Literal["go_on", "stop"]
    words: str
    coverage_per_100_labels: float | None


class ArmPoint(Message):
    """Labels of one arm: how many, and how many of them the version gave out of fold."""

    labels: int
    right: int


class ArmComparison(Message):
    """What as many labels teach, chosen by a strategy or drawn at random.

    Two small models learned from `labels` labels each, and answered the same `measured` random
    labels, which neither learned from; `difference` is chosen less random accuracy, with its 95 %
    paired `interval`. `verdict`: `too_few` labels yet, selection `pays` or `does_not_pay`, or it is
    `open`. `version` is the newest one when they were compared.
    """

    verdict: Literal["too_few", "pays", "does_not_pay", "open"]
    words: str
    version: str | None = None
    labels: int = 0
    measured: int = 0
    chosen_accuracy: Probability | None = None
    random_accuracy: Probability | None = None
    difference: float | None = None
    interval: list[float] | None = None


class CurvePoint(Message):
    """One version, by the labels that it did not learn from (out of fold).

    `labels` trained it. `accuracy`, its 95 % `interval` and `coverage` are of `measured` labels:
    those of a uniform sample (`is_uniform`) where there are 30 or more, else all. `coverage` is the
    share that it could answer with as few errors as the promise allows: an estimate, no proof.
    `kappa` compares its answers to `stop_items` unlabelled items with those of the version before;
    `control` is what chosen and random labels were found to teach when it was the newest version.
    """

    version: str
    created_at: UtcTime
    labels: int
    measured: int
    is_uniform: bool
    accuracy: Probability | None
    interval: list[Probability]
    coverage: Probability
    arms: dict[str, ArmPoint]
    kappa: float | None
    stop_items: int
    control: ArmComparison | None


class LearningCurve(Message):
    """The answer of ``GET …/learning-curve``: versions, oldest first, and whether to go on.

    `control` says whether the selection of items pays, by the newest version's comparison.
    """

    points: list[CurvePoint]
    stop: StopAdvice
    control: ArmComparison


class LabellingView(Message):
    """The answer of ``GET …/labelling``: where the labelling of the pool stands.

    `stage`: `seed` until there is a version, then `learning`, or `stopped` where further batches
    are not asked for. `open_items` were asked about and have no answer. `selection_pays` is what
    the learning curve's `control` says; null where it is open. `suspects` are labels that look
    wrong to a small model of the others; null once a run may begin, or with too few labels.
    """

    automatic: bool
    stage: Stage
    labels: int
    open_items: int
    missing: list[Missing]
    waits_for: str | None
    stop: StopAdvice
    selection_pays: bool | None
    suspects: int | None
    sentence: str
