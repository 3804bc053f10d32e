"""Rows of the export of labels."""

from typing import Any, Literal

from pydantic import Field

from shared.contracts.base import Message, UtcTime


class ProvenBy(Message):
    """The certificate under which a version gave a label; `population` is what it was proven on."""

    certificate_id: str | None
    target_accuracy: float
    confidence: float
    threshold: float
    population: str | None


class LabelRow(Message):
    """One item with its label, as ``GET …/labels`` gives it.

    `source` is model, or who decided: human, consensus, adjudicator; people where that is unknown.
    People's labels supersede a version's. `confidence` and `model_version` are those of the version
    that labelled the item, or of the prediction that people were asked about. `verdicts` is how
    many reviewers answered; `certificate` is there where the label is a version's.
    """

    item_id: str
    label: str
    source: str
    confidence: float | None
    model_version: str | None
    verdicts: int | None
    revision: int | None
    lane: str | None
    certificate: ProvenBy | None
    labelled_at: UtcTime
    data: dict[str, Any] = Field(description="The item's fields.")
    metadata: dict[str, Any]


LabelSource = Literal["all", "people", "model"]
