"""Messages of suspects."""

from services.review_queue.quality.gold.messages import Count
from shared.contracts.base import Label, Message, Probability, UtcTime
from shared.contracts.tasks import Lane


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


class SuspectReviewer(Message):
    """A reviewer who disagrees with the model much more often than the others do.

    Of `labels` that a model scored without having learned from them, the reviewer gave the model's
    label `agreed` times; like the others it would be `expected` times.
    """

    reviewer: str
    labels: Count
    agreed: Count
    expected: float


class SuspectList(Message):
    """A page of suspects, the most suspicious first, out of `considered` outcomes.

    `reviewers` are the same on each page. `note` says why there is nothing to see, and what would
    change that.
    """

    suspects: list[Suspect]
    reviewers: list[SuspectReviewer]
    note: str | None
    considered: Count
    cursor: str | None
