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
from services.router.routing import Score, route
from services.router.terms import Terms, terms_of
from services.router.versions.registry import Versions, View
from services.router.waiting.waiters import Left, Waiters


@dataclass(frozen=True)
class Predictor:
    """What predict works with. `secret` is what audit keys are derived from."""

    versions: Versions
    handoff: Handoff
    waiters: Waiters
    log: DecisionLog
    secret: str
    now: Callable[[], datetime]
    _terms: dict[str, Terms] = field(default_factory=dict)

    async def predict(self, project: str, incoming: Incoming, left: Left | None = None) -> bytes:
        """Return the body of a `PredictResponse`; `left` returns when the caller has left.

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
        await self._hand_off(project, call, left)
        predictions = call.predictions()
        self.log.append(project, call.log_rows(predictions))
        count_decisions(call.decisions)
        return b'{"predictions":[%b],"promise":%b}' % (b",".join(predictions), terms.summary)

    def _terms_of(self, project: str, view: View, now: datetime) -> Terms:
        terms = self._terms.get(project)
        if terms is None or not terms.hold(view, now):
            terms = self._terms[project] = terms_of(view, self.secret, now)
        return terms

    async def _hand_off(self, project: str, call: Call, left: Left | None) -> None:
        """Make every task durable; fill in what people have answered, or answer in time."""
        asked = [i for i, decision in enumerate(call.decisions) if decision.lane is not None]
        if not asked:
            return
        entries = [Entry.of(project, call.task(i)) for i in asked]
        seconds = call.incoming.wait_seconds
        async with self.waiters.waiting(project, call.in_review(), seconds, left) as wait:
            receipts = await self.handoff.deliver(project, entries)
            check_receipts(asked, receipts)
            resolved = [receipt for receipt in receipts if receipt.state == "resolved"]
            call.answer({one.item_id: one.label for one in resolved if one.label is not None})
            # The queue has not seen what lies in the spool, and may have resolved it long ago.
            wait.unsure |= self.handoff.backlog > 0
            call.answer(await wait.labels(call.in_review()))


async def _score(view: View, incoming: Incoming) -> Sequence[Score | None]:
    """Return a score an item; None where no version could score it."""
    if view.serving is None:
        return [None] * len(incoming.items)
    return await view.serving.batcher.score([item.data for item in incoming.items])
