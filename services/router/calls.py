"""One predict call: its checks, and what goes out of it as plain JSON values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson

from services.router.errors import ItemConflict
from services.router.routing import Decision, FloatArray, Standing, resolved_by_people
from services.router.versions.registry import View
from shared.contracts.base import rfc3339
from shared.contracts.decisions import PredictRequest
from shared.contracts.items import FieldError, Item, check_data, check_metadata
from shared.contracts.projects import Project
from shared.contracts.tasks import TaskReceipt
from shared.problems import Unprocessable


def check_items(items: Sequence[Item], project: Project) -> None:
    """Check every item against the project.

    Raises
    ------
    Unprocessable
        A field or metadata key is not as the project says, or an item id comes twice.
    """
    errors: list[FieldError] = []
    first: dict[str, int] = {}
    for i, item in enumerate(items):
        errors += check_data(item.data, project.fields, f"/items/{i}/data")
        errors += check_metadata(item.metadata, project.metadata, f"/items/{i}/metadata")
        if first.setdefault(item.item_id, i) != i:
            errors.append((f"/items/{i}/item_id", f"is that of /items/{first[item.item_id]} too"))
    if errors:
        raise Unprocessable(errors)


def check_receipts(positions: Sequence[int], receipts: Sequence[TaskReceipt]) -> None:
    """Check what became of the tasks of the items at `positions`.

    Raises
    ------
    Unprocessable
        The review queue rejected one.
    ItemConflict
        One is under review with other data.
    """
    rejected: list[FieldError] = []
    conflicts: list[FieldError] = []
    for i, receipt in zip(positions, receipts, strict=True):
        if receipt.status == "rejected":
            rejected.append((f"/items/{i}", receipt.detail or "the review queue rejects it"))
        elif receipt.status == "conflict":
            fault = receipt.detail or "its id is under review with other data"
            conflicts.append((f"/items/{i}", fault))
    if rejected:
        raise Unprocessable(rejected)
    if conflicts:
        raise ItemConflict(conflicts)


@dataclass
class Call:
    """One call under way. `rows` and `decisions` are in the order of the request's items."""

    view: View
    request: PredictRequest
    rows: Sequence[FloatArray | None]
    decisions: list[Decision]
    received: datetime
    decided: datetime

    @cached_property
    def _probabilities(self) -> list[dict[str, float] | None]:
        labels = self.view.documents.project.labels
        return [
            None if row is None else dict(zip(labels, row.clip(0.0, 1.0).tolist(), strict=True))
            for row in self.rows
        ]

    @cached_property
    def _common(self) -> dict[str, Any]:
        serving, promise = self.view.serving, self.view.documents.promise
        return {
            "model_version": serving.version if serving is not None else None,
            "policy_revision": promise.revision if promise is not None else None,
            "decided_at": rfc3339(self.decided),
        }

    def predictions(self) -> list[dict[str, Any]]:
        """Return each item's `Prediction`."""
        return [self._prediction(i) for i in range(len(self.decisions))]

    def _prediction(self, i: int) -> dict[str, Any]:
        decision = self.decisions[i]
        return {
            "item_id": self.request.items[i].item_id,
            "decision": decision.decision,
            "label": decision.label,
            "suggestion": decision.suggestion,
            "confidence": decision.confidence,
            "probabilities": self._probabilities[i],
            "reason": decision.reason,
            "audited": decision.audited,
            "propensity": decision.propensity,
            "task_id": decision.task_id,
            **self._common,
        }

    def task(self, i: int) -> dict[str, Any]:
        """Return the `NewTask` of item `i`, which its decision asks for."""
        item, decision = self.request.items[i], self.decisions[i]
        return {
            "item_id": item.item_id,
            "data": item.data,
            "metadata": item.metadata,
            "lane": decision.lane,
            "prediction": {
                "label": decision.suggestion,
                "confidence": decision.confidence,
                "probabilities": self._probabilities[i],
                "propensity": decision.propensity,
                "reason": decision.reason,
                "received_at": rfc3339(self.received),
                **self._common,
            },
        }

    def in_review(self) -> list[str]:
        """Return the ids of the items that wait for people."""
        decided = zip(self.request.items, self.decisions, strict=True)
        return [item.item_id for item, decision in decided if decision.decision == "in_review"]

    def answer(self, labels: Mapping[str, str]) -> None:
        """Answer the items in review that people gave `labels` to.

        An eligible item was scored anew: what people said of it before does not change its answer.
        """
        for i, (item, decision) in enumerate(zip(self.request.items, self.decisions, strict=True)):
            if decision.decision == "in_review" and item.item_id in labels:
                self.decisions[i] = resolved_by_people(decision, labels[item.item_id])

    def log_rows(self, predictions: Sequence[dict[str, Any]]) -> list[bytes]:
        """Return each item's `DecisionRow` as a line."""
        received = rfc3339(self.received)
        return [
            orjson.dumps(
                {
                    **prediction,
                    "data": item.data,
                    "metadata": item.metadata,
                    "review": self.request.review,
                    "received_at": received,
                },
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for prediction, item in zip(predictions, self.request.items, strict=True)
        ]


def promise_summary(view: View, standing: Standing) -> dict[str, Any]:
    """Return the `PromiseSummary` of the version that serves."""
    settings = view.documents.project.promise
    threshold, expires_at = standing.threshold, standing.expires_at
    return {
        "state": standing.state,
        "target_accuracy": settings.target_accuracy,
        "confidence": settings.confidence,
        "threshold": float(threshold) if threshold is not None else None,
        "expires_at": rfc3339(expires_at) if expires_at is not None else None,
    }
