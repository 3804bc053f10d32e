"""The use case: check the items, score, route, hand off, log, answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
import structlog

from services.router.calls import Call, check_items, check_receipts, promise_summary
from services.router.decision_log.shipping import DecisionLog
from services.router.handoff.delivery import Handoff
from services.router.handoff.entries import Entry
from services.router.metrics import AUDITS, DECISIONS, SCORING_FAILURES
from services.router.pictures import Data, scorable_data
from services.router.routing import (
    Decision,
    FloatArray,
    Policy,
    Standing,
    audit_key,
    is_distribution,
    resolved_by_people,
    route,
    standing,
)
from services.router.versions.registry import Versions, View
from shared.contracts.decisions import PredictRequest, ReviewMode

log = structlog.get_logger()


@dataclass(frozen=True)
class Predictor:
    """What predict works with. `secret` is what audit keys are derived from."""

    versions: Versions
    handoff: Handoff
    log: DecisionLog
    secret: str
    now: Callable[[], datetime]

    async def predict(self, project: str, request: PredictRequest) -> bytes:
        """Return the body of a `PredictResponse`.

        Raises
        ------
        ProjectNotFound, Unprocessable, ItemConflict, BodyTooLarge, Unavailable
            Nothing was answered and nothing is promised.
        """
        received = self.now()
        view = await self.versions.view(project)
        check_items(request.items, view.documents.project)
        rows = await _score(view, await scorable_data(request.items, view))
        decided = self.now()
        policy = policy_of(view, request.review, self.secret, decided)
        decisions = [
            route(item.item_id, row, policy) for item, row in zip(request.items, rows, strict=True)
        ]
        call = Call(view, request, rows, decisions, received, decided)
        await self._hand_off(project, call)
        predictions = call.predictions()
        self.log.append(project, call.log_rows(predictions))
        _count(call.decisions)
        summary = promise_summary(view, policy.standing)
        return orjson.dumps({"predictions": predictions, "promise": summary})

    async def _hand_off(self, project: str, call: Call) -> None:
        """Make every task durable; fill in what people have answered already."""
        asked = [i for i, decision in enumerate(call.decisions) if decision.lane is not None]
        if not asked:
            return
        entries = [Entry.of(project, call.task(i)) for i in asked]
        receipts = await self.handoff.deliver(project, entries)
        check_receipts(asked, receipts)
        for i, receipt in zip(asked, receipts, strict=True):
            decision = call.decisions[i]
            # An eligible item is scored anew: its audit task does not change its answer.
            if decision.decision == "in_review" and receipt.state == "resolved" and receipt.label:
                call.decisions[i] = resolved_by_people(decision, receipt.label)


def policy_of(view: View, review: ReviewMode, secret: str, now: datetime) -> Policy:
    """Return the policy that the items of one call are routed by."""
    documents = view.documents
    promise = documents.promise
    name = documents.project.project
    return Policy(
        project=name,
        labels=tuple(documents.project.labels),
        standing=standing_of(view, now),
        audit_rate=promise.audit_rate if promise is not None else 0.0,
        audit_key=audit_key(secret, name, promise.audit_epoch if promise is not None else ""),
        review=review,
    )


def standing_of(view: View, now: datetime) -> Standing:
    """Judge whether the version that serves may answer at `now`."""
    documents, serving = view.documents, view.serving
    if serving is None:
        nothing = documents.channels.champion is None
        return Standing("uncertified", "no_model" if nothing else "model_invalid")
    return standing(
        documents.project,
        documents.digest,
        documents.promise,
        serving.version,
        serving.sha256,
        now,
    )


async def _score(view: View, items: Sequence[Data]) -> list[FloatArray | None]:
    """Return a row an item; None where no version could score it."""
    if view.serving is None:
        return [None] * len(items)
    try:
        scores = await view.serving.scorer.score(items)
    except Exception:
        # Fail closed: people can answer what the graph chokes on.
        log.exception("scoring_failed", model_version=view.serving.version)
        SCORING_FAILURES.inc(len(items))
        return [None] * len(items)
    rows = [row if is_distribution(row) else None for row in scores]
    if unusable := sum(row is None for row in rows):
        log.error("scores_unusable", model_version=view.serving.version, count=unusable)
        SCORING_FAILURES.inc(unusable)
    return rows


def _count(decisions: Sequence[Decision]) -> None:
    for decision in decisions:
        DECISIONS.labels(decision.decision, decision.reason).inc()
        if decision.audited:
            AUDITS.inc()
