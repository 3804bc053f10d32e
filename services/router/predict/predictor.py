"""The use case: check the items, score, route, hand off, log, answer."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from services.router.decision_log.shipping import RowLog
from services.router.delivery.free_reviewers import FreeReviewers
from services.router.delivery.handoff import Handoff
from services.router.limits.admission import Admission
from services.router.limits.rates import RateLimit, holder_of
from services.router.pictures.opening import Data, Pictures, check_decoded
from services.router.predict.calls import Call, check_items, check_outcomes, check_receipts
from services.router.predict.measuring import count_decisions
from services.router.predict.requests import Incoming
from services.router.predict.shadows import Shadows
from services.router.predict.terms import Terms, terms_of
from services.router.problems import Overloaded, VersionNotReady
from services.router.routing.draws import canary_draw
from services.router.spool.entries import Entry
from services.router.versions.loading import LoadedVersion
from services.router.versions.registry import Versions
from services.router.versions.views import View
from services.router.waiting.waiters import Left, Waiters
from shared.auth import Principal
from shared.contracts.decisions import ReviewMode
from shared.contracts.tasks import TaskReceipt
from shared.problems import BodyTooLarge, Unavailable, Unprocessable
from shared.routing.decisions import Policy, route
from shared.routing.scores import Score

_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Predictor:
    """What predict works with. `secret` is what the keys of the draws are derived from."""

    versions: Versions
    handoff: Handoff
    waiters: Waiters
    log: RowLog
    shadows: Shadows
    admission: Admission
    pictures: Pictures
    rate_limit: RateLimit | None
    reviewers: FreeReviewers
    secret: str
    now: Callable[[], datetime]
    _serving: dict[str, Terms] = field(default_factory=dict)
    _challenging: dict[str, Terms] = field(default_factory=dict)

    def admit(self, project: str) -> None:
        """Raise `Overloaded` when a call would wait too long; to ask before any work on it."""
        view = self.versions.peek(project)
        if view is not None:
            self._admit(view)

    def _admit(self, view: View) -> None:
        self._admit_to_model(view)
        if view.documents.image_fields:
            self.pictures.decoder.check()

    def _admit_to_model(self, view: View) -> None:
        if view.serving is not None:
            self.admission.check(view.serving.batcher.flow)

    def take(self, project: str, caller: Principal | None, items: int) -> None:
        """Take `items` from what the call may have; raise `TooManyRequests` if it is too much."""
        if self.rate_limit is not None:
            self.rate_limit.take(holder_of(project, caller), items)

    def limit_headers(self, project: str, caller: Principal | None) -> Mapping[str, str]:
        """Return the headers that say what is left of the rate limit; none without a limit."""
        if self.rate_limit is None:
            return _NO_HEADERS
        return self.rate_limit.headers_for(holder_of(project, caller))

    @contextlib.contextmanager
    def giving_back(self, project: str, caller: Principal | None, items: int) -> Iterator[None]:
        """Undo a `take` when the block refuses the call as too much."""
        try:
            yield
        except Overloaded:
            if self.rate_limit is not None:
                self.rate_limit.give_back(holder_of(project, caller), items)
            raise

    async def decide(self, project: str, incoming: Incoming, left: Left | None = None) -> Call:
        """Decide on each item, make its task durable, log it; `left` returns when the caller left.

        Raises `ProjectNotFound`, `Unprocessable`, `ItemConflict`, `BodyTooLarge`,
        `TooManyRequests`, `Unavailable`: nothing was answered and nothing is promised.
        """
        received = self.now()
        view = self.versions.serving_now(project) or await self.view(project, incoming.review)
        self._admit(view)
        check_items(incoming.items, view.documents.project)
        self.take(project, incoming.caller, len(incoming.items))
        theirs = self._challenged(view, incoming) if view.challenger is not None else []
        data: list[Data] = [item.data for item in incoming.items]
        if view.documents.image_fields:
            with self.giving_back(project, incoming.caller, len(data)):
                scores = await self._score_pictures(view, data, theirs)
        else:
            scores = await self._score(view, data, theirs)
        decided = self.now()
        terms = self._terms_of(self._serving, view, view.serving, decided)
        are_free = terms.optional is not None and await self._are_reviewers_free(
            terms.optional, view, incoming.review, scores
        )
        policy = terms.policy(incoming.review, are_free=are_free)
        decisions = [
            route(item.item_id, score, policy)
            for item, score in zip(incoming.items, scores, strict=True)
        ]
        call = Call(terms, incoming, scores, decisions, received, decided, are_free)
        if theirs:
            others = self._terms_of(self._challenging, view, view.challenger, decided)
            call.route_by(others, theirs)
        await self._hand_off(project, call, left)
        call.encode()
        rows = call.log_rows()
        self.log.append(project, rows)
        count_decisions(project, call.decisions)
        if view.shadows:
            self.shadows.offer(project, call, len(rows))
        return call

    async def view(self, project: str, review: ReviewMode) -> View:
        """Return what calls are decided by; raises what `Versions.serving` does.

        What goes to people anyway does so without a suggestion, if its model takes long to load.
        """
        try:
            return await self.versions.serving(project)
        except VersionNotReady:
            if review != "always":
                raise
            return await self.versions.view(project)

    async def _are_reviewers_free(
        self, optional: Policy, view: View, review: ReviewMode, scores: Sequence[Score | None]
    ) -> bool:
        """Say whether items may wait for an optional review, if any is worth one."""
        if review != "auto" or self.handoff.backlog or not any(map(optional.offers, scores)):
            return False
        project = view.documents.project
        return await self.reviewers.within(project.project, project.capacity.optional_wait_seconds)

    def _terms_of(
        self, known: dict[str, Terms], view: View, scored_by: LoadedVersion | None, now: datetime
    ) -> Terms:
        project = view.documents.project.project
        terms = known.get(project)
        if terms is None or not terms.hold(view, now):
            terms = known[project] = terms_of(view, scored_by, self.secret, now)
        return terms

    def _challenged(self, view: View, incoming: Incoming) -> list[int]:
        """Return the positions of the items that fall into the challenger's share."""
        documents = view.documents
        named = documents.channels.challenger
        if named is None:
            return []
        draw = canary_draw(self.secret, documents.project.project, named.version, named.share)
        return draw.taken(item.item_id for item in incoming.items)

    def _score(
        self, view: View, data: Sequence[Data], theirs: Sequence[int]
    ) -> Awaitable[Sequence[Score | None]]:
        """Return a score an item, by the challenger at `theirs`; None where there is none."""
        return self._score_by_both(view, data, theirs) if theirs else _scores_by(view.serving, data)

    async def _score_by_both(
        self, view: View, data: Sequence[Data], theirs: Sequence[int]
    ) -> Sequence[Score | None]:
        ours = sorted(set(range(len(data))).difference(theirs))
        scores: list[Score | None] = [None] * len(data)
        found = await asyncio.gather(
            _scores_by(view.serving, [data[i] for i in ours]),
            _scores_by(view.challenger, [data[i] for i in theirs]),
        )
        for positions, part in zip((ours, theirs), found, strict=True):
            for i, score in zip(positions, part, strict=True):
                scores[i] = score
        return scores

    async def _score_pictures(
        self, view: View, data: Sequence[Data], theirs: Sequence[int]
    ) -> Sequence[Score | None]:
        """Return what `_score` does; `Unprocessable` when an image is none."""
        names, challenged = view.documents.image_fields, set(theirs)

        async def use(at: Sequence[int], rows: Sequence[Data]) -> Sequence[Score | None]:
            return await self._score(view, rows, [n for n, i in enumerate(at) if i in challenged])

        rows = await self.pictures.admitted(data, names)
        admit = partial(self._admit_to_model, view)
        scores = await self.pictures.each(rows, names, view.layouts(), use, admit=admit)
        check_decoded(rows, names)
        return scores

    async def _hand_off(self, project: str, call: Call, left: Left | None) -> None:
        """Make every task durable; fill in what people have answered, or answer in time."""
        needed = call.asked()
        if not needed:
            return
        entries = {i: Entry.of(project, call.task(i)) for i in needed}
        offered = {i: one for i, one in entries.items() if call.decisions[i].lane == "optional"}
        asked = {i: one for i, one in entries.items() if i not in offered}
        seconds = call.incoming.wait_seconds
        if not seconds:
            await self._deliver(project, call, asked)
            await self._offer(project, call, offered)
            return
        async with self.waiters.waiting(project, call.in_review(), seconds, left) as wait:
            await self._deliver(project, call, asked)
            await self._offer(project, call, offered)
            # The queue has not seen what lies in the spool, and may have resolved it long ago.
            wait.unsure |= self.handoff.backlog > 0
            outcomes = await wait.outcomes(call.in_review())
            check_outcomes(list(asked), list(asked.values()), outcomes)
            for entry in offered.values():
                if entry.item_id in outcomes and not outcomes[entry.item_id].is_about(entry.digest):
                    del outcomes[entry.item_id]
            call.answer(outcomes.values())

    async def _deliver(self, project: str, call: Call, entries: Mapping[int, Entry]) -> None:
        """Hand tasks over, by position; fill in what people answered before."""
        if not entries:
            return
        receipts = await self.handoff.deliver(project, list(entries.values()))
        check_receipts(list(entries), receipts)
        call.answer(receipt for receipt in receipts if receipt.state == "resolved")

    async def _offer(self, project: str, call: Call, entries: Mapping[int, Entry]) -> None:
        """Hand optional tasks over; what cannot be is answered at once: no call fails for it."""
        if not entries:
            return
        try:
            receipts = await self.handoff.deliver(project, list(entries.values()))
        except (Unavailable, BodyTooLarge, Unprocessable):
            call.answer_at_once(entries)
            return
        call.answer(receipt for receipt in receipts if receipt.state == "resolved")
        pairs = zip(entries, receipts, strict=True)
        call.answer_at_once([i for i, receipt in pairs if not _waits(receipt)])


def _waits(receipt: TaskReceipt) -> bool:
    """Say whether an item that was offered to people has a task that ends by itself."""
    return receipt.status == "created" or receipt.expires_at is not None


def _scores_by(
    loaded: LoadedVersion | None, data: Sequence[Data]
) -> asyncio.Future[list[Score | None]]:
    if loaded is not None and data:
        return loaded.batcher.score(data)
    unscored: asyncio.Future[list[Score | None]] = asyncio.get_running_loop().create_future()
    unscored.set_result([None] * len(data))
    return unscored
