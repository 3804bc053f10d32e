"""The lines of an exported certificate."""

from typing import Any, Literal

from pydantic import Field

from shared.contracts.base import ItemId, Label, Message, Probability, UtcTime
from shared.contracts.versions import Certificate

Finding = Literal["right", "wrong", "unanswered", "not_blind", "other_data", "refused"]
"""What a drawn item counts as: ``right``, or an error.

``wrong``: people gave another label; ``unanswered``: they could not give one, or gave different
ones at different times; ``not_blind``: they had seen a suggestion; ``other_data``: the outcome is
of other data under the same id; ``refused``: the review queue did not take the item.
"""


class ClassFigures(Message):
    """What the labels prove of the items that are predicted as one class.

    Of its `labels` at or above the threshold `errors` are wrong; `upper_bound` is Clopper and
    Pearson's at the class's share of delta. `certified`: its own tests show that it keeps the
    promise, with all other classes that are certified. `labels_short` is about how many more labels
    of the class it would take; null if it is certified, or seems to err too often.
    `share_answered` is the answered share of the population's items that are predicted as it.
    """

    label: Label
    share_answered: float | None
    labels: int
    errors: int
    upper_bound: float
    certified: bool
    labels_short: int | None


class DrawRecord(Message):
    """One draw of the test: `plan` is a `CertificationPlan`, made before the draw.

    `population` is the record of what was drawn from, with its size, digest and the draw's seed.
    """

    certification_id: str
    opened_at: UtcTime
    plan: dict[str, Any]
    population: dict[str, Any]


class ExportHeader(Message):
    """The first line: the certificate, and what was fixed before its labels were seen.

    `draws` are those of the test, in their order: the last one's labels and those of all before
    gave the certificate. `tested` is the sequence of tests, `classes` what the labels prove of each
    predicted class. A later release that writes
    other lines gives them another `format`.
    """

    kind: Literal["certificate"] = "certificate"
    format: Literal[1] = 1
    project: str
    version: str
    expires_at: UtcTime
    certificate: Certificate
    draws: list[DrawRecord] = Field(min_length=1)
    tested: list[dict[str, int | float]]
    classes: list[ClassFigures]


class PopulationRow(Message):
    """An item of the population: `score` and `label` are the version's.

    `drawable` is false for an item that was drawn for an earlier certification.
    """

    kind: Literal["population"] = "population"
    item_id: ItemId
    score: Probability
    label: Label
    drawable: bool


class DrawnRow(Message):
    """A drawn item: `score` and `label` are the version's, `verdict` is the people's label.

    `content_digest` is None once the item was erased. `copy_of` names the drawn item of the same
    content whose verdict serves this one too.
    """

    kind: Literal["drawn"] = "drawn"
    item_id: ItemId
    score: Probability
    label: Label
    copy_of: ItemId | None
    content_digest: str | None
    verdict: Label | None
    finding: Finding


class ExportEnd(Message):
    """The last line: SHA-256 (hex) of all lines before it, each with its newline."""

    kind: Literal["end"] = "end"
    sha256: str
