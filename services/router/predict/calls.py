"""One predict call: its checks, and what goes out of it as plain JSON values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import orjson

from services.router.delivery.messages import ItemOutcome
from services.router.predict.requests import Asked, Incoming
from services.router.predict.terms import Terms
from services.router.problems import ItemConflict
from services.router.spool.entries import Entry
from shared.contracts.base import FAULTS_SHOWN, rfc3339
from shared.contracts.items import FieldError, check_data, check_metadata
from shared.contracts.projects import Project
from shared.contracts.tasks import ERASED_DETAIL, TaskReceipt
from shared.problems import Unprocessable
from shared.routing.decisions import (
    Decision,
    answered_by_model,
    resolved_by_people,
    route,
)
from shared.routing.scores import Score

_OTHER_DATA = "its id is known with other data"
_ERASED = "was erased on request, and its item_id is not used again"


def check_items(items: Sequence[Asked], project: Project) -> None:
    """Check every item against the project.

    Raises `Unprocessable`: a field or metadata key is not as the project says, or an item id comes
    twice.
    """
    errors: list[FieldError] = []
    first: dict[str, int] = {}
    for i, item in enumerate(items):
        faults = check_data(item.data, project.fields)
        if item.metadata:
            faults += check_metadata(item.metadata, project.metadata)
        if faults:
            errors += [(f"/items/{i}{at}", fault) for at, fault in faults]
        if first.setdefault(item.item_id, i) != i:
            fault = f"duplicates /items/{first[item.item_id]}/item_id"
            errors.append((f"/items/{i}/item_id", fault))
        if len(errors) >= FAULTS_SHOWN:
            break
    if errors:
        raise Unprocessable(errors)


def check_receipts(positions: Sequence[int], receipts: Sequence[TaskReceipt]) -> None:
    """Check what became of the tasks of the items at `positions`.

    Raises `Unprocessable`: the review queue rejected one; `ItemConflict`: people were asked about
    one with other data.
    """
    rejected: list[FieldError] = []
    conflicts: list[FieldError] = []
    for i, receipt in zip(positions, receipts, strict=True):
        if receipt.status == "rejected":
            fault = receipt.detail or "the review queue rejects it"
            rejected.append((f"/items/{i}", _ERASED if fault == ERASED_DETAIL else fault))
        elif receipt.status == "conflict":
            conflicts.append((f"/items/{i}", receipt.detail or _OTHER_DATA))
    if rejected:
        raise Unprocessable(rejected)
    if conflicts:
        raise ItemConflict(conflicts)


def check_outcomes(
    positions: Sequence[int], entries: Sequence[Entry], outcomes: Mapping[str, ItemOutcome]
) -> None:
    """Check that what became of the items at `positions` speaks of their data.

    The review queue says so in its receipts; behind a spool there are none.

    Raises `ItemConflict`: people were asked about one with other data.
    """
    conflicts = [
        (f"/items/{i}", _OTHER_DATA)
        for i, entry in zip(positions, entries, strict=True)
        if entry.item_id in outcomes and not outcomes[entry.item_id].is_about(entry.digest)
    ]
    if conflicts:
        raise ItemConflict(conflicts)


@dataclass
class Call:
    """One call under way. `scores` and `decisions` are in the order of the call's items.

    `are_free` says that certified items may wait for reviewers. `trace` is the span that its tasks
    and rows belong to, where traces are on; `predictions` are what `encode` made of them.
    """

    terms: Terms
    incoming: Incoming
    scores: Sequence[Score | None]
    decisions: list[Decision]
    received: datetime
    decided: datetime
    are_free: bool = False
    trace: str | None = None
    predictions: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        # In the order of the probabilities.
        self.labels = self.terms.policies["auto"].labels
        # The terms of each item: those that the challenger scored have other terms.
        self._terms = [self.terms] * len(self.scores)
        self._probabilities = [
            None if score is None else dict(zip(self.labels, score.probabilities, strict=True))
            for score in self.scores
        ]
        self._received_at, self._decided_at = rfc3339(self.received), rfc3339(self.decided)

    @cached_property
    def _due_at(self) -> str:
        """When the items that wait for an optional review get the model's answer."""
        wait = self.terms.view.documents.project.capacity.optional_wait_seconds
        return rfc3339(self.decided + timedelta(seconds=wait))

    def route_by(self, terms: Terms, positions: Iterable[int]) -> None:
        """Route the items at `positions` anew: another version scored them, `terms` are its own."""
        policy = terms.policy(self.incoming.review, are_free=self.are_free)
        for i in positions:
            self.decisions[i] = route(self.incoming.items[i].item_id, self.scores[i], policy)
            self._terms[i] = terms

    def suggestions(self) -> list[tuple[Asked, str | None, str | None]]:
        """Return each item with the version that scored it and that version's suggestion."""
        return [
            (item, terms.response_fields["model_version"], decision.suggestion)
            for item, terms, decision in zip(
                self.incoming.items, self._terms, self.decisions, strict=True
            )
        ]

    def body(self) -> bytes:
        """Return the body of a `PredictResponse`; `encode` comes first."""
        predictions = b",".join(self.predictions)
        return b'{"predictions":[%b],"promise":%b}' % (predictions, self.terms.summary)

    def encode(self) -> None:
        """Encode each item's `Prediction`, once it is final."""
        predictions = []
        for item, score, probabilities, terms, decision in zip(
            self.incoming.items,
            self.scores,
            self._probabilities,
            self._terms,
            self.decisions,
            strict=True,
        ):
            own = {
                "item_id": item.item_id,
                "confidence": None if score is None else score.confidence,
                "probabilities": probabilities,
                "decided_at": self._decided_at,
            }
            if decision.reason == "optional_review":
                own["due_at"] = self._due_at
            # The members of two objects as those of one.
            predictions.append(orjson.dumps(own)[:-1] + terms.encoded(decision))
        self.predictions = predictions

    def task(self, i: int) -> dict[str, Any]:
        """Return the `NewTask` of item `i`, which its decision asks for."""
        item, score, decision = self.incoming.items[i], self.scores[i], self.decisions[i]
        return {
            "item_id": item.item_id,
            "data": item.data,
            "metadata": item.metadata,
            "lane": decision.lane,
            **({"due_at": self._due_at} if decision.lane == "optional" else {}),
            **({} if self.trace is None else {"trace": self.trace}),
            "prediction": {
                "label": decision.suggestion,
                "confidence": None if score is None else score.confidence,
                "probabilities": self._probabilities[i],
                "propensity": decision.propensity,
                "reason": decision.reason,
                "received_at": self._received_at,
                "decided_at": self._decided_at,
                **self._terms[i].response_fields,
            },
        }

    def in_review(self) -> list[str]:
        """Return the ids of the items that wait for people."""
        decided = zip(self.incoming.items, self.decisions, strict=True)
        return [item.item_id for item, decision in decided if decision.decision == "in_review"]

    def asked(self) -> list[int]:
        """Return the positions of the items that need a task."""
        return [i for i, decision in enumerate(self.decisions) if decision.lane is not None]

    def answer(self, found: Iterable[TaskReceipt | ItemOutcome]) -> None:
        """Answer the items in review that are resolved with a label that the project has.

        An eligible item was scored anew: what people said of it before does not change its answer,
        unless it is to wait for people. The model's answer counts for such an item alone.
        """
        by_item = {one.item_id: one for one in found}
        if not by_item:
            return
        for i, (item, decision) in enumerate(zip(self.incoming.items, self.decisions, strict=True)):
            known = by_item.get(item.item_id)
            if decision.decision != "in_review" or known is None:
                continue
            if known.source == "model":
                if decision.lane == "optional":
                    self.decisions[i] = answered_by_model(decision)
            elif known.label is not None and known.label in self.labels:
                self.decisions[i] = resolved_by_people(decision, known.label)

    def answer_at_once(self, positions: Iterable[int]) -> None:
        """Answer certified items of `positions` that would wait in vain for an optional review."""
        for i in positions:
            if self.decisions[i].decision == "in_review":
                answer = answered_by_model(self.decisions[i])
                self.decisions[i] = replace(answer, task_id=None, lane=None)

    def log_rows(self) -> bytes:
        """Return each item's `DecisionRow` as a line: its prediction, and what was asked."""
        shared = {
            "review": self.incoming.review,
            "received_at": self._received_at,
            **self.terms.row_fields,
        }
        if self.trace is not None:
            shared["trace"] = self.trace
        end = orjson.dumps(shared)[1:] + b"\n"
        rows = []
        for prediction, item in zip(self.predictions, self.incoming.items, strict=True):
            asked = orjson.dumps({"data": item.data, "metadata": item.metadata})
            # The members of three objects as those of one.
            rows.append(b"%b,%b,%b" % (prediction[:-1], asked[1:-1], end))
        return b"".join(rows)
