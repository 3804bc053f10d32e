"""What the holder of a lease does, whichever kind of lease it is: on a task, or on gold."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self, TypeVar

from services.review_queue.lifecycle.leases.messages import Renewal
from services.review_queue.lifecycle.leases.times import LeaseTimes
from services.review_queue.lifecycle.probes.answering import ProbeService
from services.review_queue.lifecycle.probes.gold_states import GoldStates
from services.review_queue.lifecycle.problems import UnknownLease
from services.review_queue.lifecycle.verdicts.corrections import CorrectionService
from services.review_queue.lifecycle.verdicts.gathered import GatheredVerdicts
from services.review_queue.lifecycle.verdicts.learning import KnownReviewers
from services.review_queue.lifecycle.verdicts.service import VerdictService
from shared.auth import Principal
from shared.contracts.tasks import LeaseProgress, SkipBody, VerdictBody
from shared.db import Database

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class MoveService:
    """Looks for an ordinary lease first, which most are, and then for a probe.

    Problems are those of `VerdictService` and `CorrectionService`.
    """

    verdicts: VerdictService
    corrections: CorrectionService
    probes: ProbeService

    @classmethod
    def of(
        cls,
        database: Database,
        times: LeaseTimes,
        known: KnownReviewers,
        gold_states: GoldStates,
        gathered: GatheredVerdicts,
        *,
        now: Callable[[], datetime],
        nudge: Callable[[], None],
    ) -> Self:
        """Wire the three."""
        return cls(
            VerdictService(database, times, known, gathered, now, nudge),
            CorrectionService(database, times, known, now, nudge),
            ProbeService(database, times, gold_states, now, nudge),
        )

    async def submit(self, token: str, body: VerdictBody, who: Principal) -> LeaseProgress:
        """Give a verdict."""
        ordinary = self.verdicts.submit(token, body, who)
        return await _either(ordinary, lambda: self.probes.submit(token, body, who))

    async def skip(self, token: str, body: SkipBody, who: Principal) -> LeaseProgress:
        """Leave the task to others, to oneself later, or to an adjudicator."""
        ordinary = self.verdicts.skip(token, body, who)
        return await _either(ordinary, lambda: self.probes.skip(token, body, who))

    async def release(self, token: str, who: Principal) -> LeaseProgress:
        """Give the task back at once."""
        ordinary = self.verdicts.release(token, who)
        return await _either(ordinary, lambda: self.probes.release(token, who))

    async def renew(self, token: str, who: Principal) -> Renewal:
        """Let the lease last as long again, from now on."""
        ordinary = self.verdicts.renew(token, who)
        return await _either(ordinary, lambda: self.probes.renew(token, who))

    async def undo(self, token: str, who: Principal) -> LeaseProgress:
        """Take one's own verdict or skip back."""
        ordinary = self.corrections.undo(token, who)
        return await _either(ordinary, lambda: self.probes.undo(token, who))


async def _either(
    ordinary: Awaitable[Answer], probe: Callable[[], Awaitable[Answer | None]]
) -> Answer:
    try:
        return await ordinary
    except UnknownLease as unknown:
        answer = await probe()
        if answer is None:
            raise unknown from None
        return answer
