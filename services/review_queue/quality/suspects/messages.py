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


class SuspectList(Message):
    """A page of suspects, the most suspicious first, out of `considered` outcomes."""

    suspects: list[Suspect]
    considered: Count
    cursor: str | None
