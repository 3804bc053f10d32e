"""The use case: check the items, score, route, hand off, log, answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.router.calls import Call, check_items, check_receipts
from services.router.decision_log.shipping import DecisionLog
from services.router.handoff.delivery import Handoff
from services.router.handoff.entries import Entry
from services.router.incoming import Incoming
from services.router.metrics import count_decisions
from services.router.routing import Score, resolved_by_people, route
from services.router.terms import Terms, terms_of
from services.router.versions.registry import Versions, View


@dataclass(frozen=True)
class Predictor:
    """What predict works with. `secret` is what audit keys are derived from."""

    versions: Versions
    handoff: Handoff
    log: DecisionLog
    secret: str
    now: Callable[[], datetime]
    _terms: dict[str, Terms] = field(default_factory=dict)

    async def predict(self, project: str, incoming: Incoming) -> bytes:
        """Return the body of a `PredictResponse`; raises what `decide` does."""
        call = await self.decide(project, incoming)
        predictions = b",".join(call.predictions)
        return b'{"predictions":[%b],"promise":%b}' % (predictions, call.terms.summary)

    async def decide(self, project: str, incoming: Incoming) -> Call:
        """Decide on each item, make its task durable, and log it.

        Raises
        ------
        ProjectNotFound, Unprocessable, ItemConflict, BodyTooLarge, Unavailable
            Nothing was answered and nothing is promised.
        """
        received = self.now()
        view = await self.versions.view(project)
        check_items(incoming.items, view.documents.project)
        scores = await _score(view, incoming)
        decided = self.now()
        terms = self._terms_of(project, view, decided)
        policy = terms.policies[incoming.review]
        decisions = [
            route(item.item_id, score, policy)
            for item, score in zip(incoming.items, scores, strict=True)
        ]
        call = Call(terms, incoming, scores, decisions, received, decided)
        await self._hand_off(project, call)
        call.encode()
        self.log.append(project, call.log_rows(), len(call.decisions))
        count_decisions(call.decisions)
        return call

    def _terms_of(self, project: str, view: View, now: datetime) -> Terms:
        terms = self._terms.get(project)
        if terms is None or not terms.hold(view, now):
            terms = self._terms[project] = terms_of(view, self.secret, now)
        return terms

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


async def _score(view: View, incoming: Incoming) -> Sequence[Score | None]:
    """Return a score an item; None where no version could score it."""
    if view.serving is None:
        return [None] * len(incoming.items)
    return await view.serving.batcher.score([item.data for item in incoming.items])
