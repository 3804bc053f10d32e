"""What became of an item: asked of the review queue, waited for when the caller wants to."""

import asyncio

from services.router.handoff.delivery import Handoff
from services.router.messages import ItemOutcome
from shared.doorbells import Doorbells, outcomes_bell, wait_for


async def outcome_of(
    handoff: Handoff,
    bells: Doorbells,
    project: str,
    item_id: str,
    *,
    wait_seconds: float,
    poll_seconds: float,
) -> ItemOutcome:
    """Return the item's outcome once it is resolved, or as it stands after `wait_seconds`.

    Raises
    ------
    QueueUnreachable
        The review queue is away and the item does not lie in this router's spool.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_seconds
    with bells.hearing(outcomes_bell(project)) as rung:
        while True:
            outcome = await handoff.outcome(project, item_id)
            left = deadline - loop.time()
            if outcome.status == "resolved" or left <= 0:
                return outcome
            await wait_for(rung, min(poll_seconds, left))
