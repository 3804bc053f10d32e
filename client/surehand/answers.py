"""The final answer to an item, from the model or from people."""

from collections.abc import Iterable
from dataclasses import dataclass

from surehand.models.predictions import Prediction
from surehand.models.tasks import ItemOutcome, Outcome


@dataclass(frozen=True)
class Answer:
    """The final answer to one item.

    Attributes
    ----------
    label
        None if reviewers could not answer, the task expired, or the call let no reviewer be asked.
    source
        ``model`` (under the promise), ``human``, ``consensus``, ``adjudicator``, ``expiry``, or
        None if nothing was decided.
    prediction
        What predict answered.
    revision
        Of the reviewers' outcome; None for an answer of the model.
    """

    item_id: str
    label: str | None
    source: str | None
    prediction: Prediction
    revision: int | None = None


class Waiting:
    """The items of one call that wait for people, by id; pure."""

    def __init__(self) -> None:
        self._predictions: dict[str, Prediction] = {}

    def __len__(self) -> int:
        return len(self._predictions)

    @property
    def item_ids(self) -> list[str]:
        """The ids of the items that wait."""
        return list(self._predictions)

    def take(self, prediction: Prediction) -> Answer | None:
        """Return the answer, or remember the item."""
        if prediction.decision == "in_review":
            self._predictions[prediction.item_id] = prediction
            return None
        source = None
        if prediction.decision == "answered":
            source = "human" if prediction.reason == "human" else "model"
        return Answer(prediction.item_id, prediction.label, source, prediction)

    def settle(self, outcome: Outcome | ItemOutcome) -> Answer | None:
        """Return the answer that `outcome` is to an item which waits; None if it is none.

        A row of the feed without a label does not say whether the item waits again; its
        `ItemOutcome` does.
        """
        final = outcome.label is not None
        if isinstance(outcome, ItemOutcome):
            final = outcome.status != "in_review"
        prediction = self._predictions.pop(outcome.item_id, None) if final else None
        if prediction is None:
            return None
        return Answer(outcome.item_id, outcome.label, outcome.source, prediction, outcome.revision)

    def doubtful(self, outcomes: Iterable[Outcome]) -> list[str]:
        """Return which items that wait have a row without a label."""
        ids = {outcome.item_id for outcome in outcomes if outcome.label is None}
        return [item_id for item_id in ids if item_id in self._predictions]
