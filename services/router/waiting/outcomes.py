"""What became of an item: asked of the review queue, waited for when the caller wants to."""

from services.router.delivery.handoff import Handoff
from services.router.delivery.messages import ItemOutcome
from services.router.waiting.waiters import Left, Waiters


async def outcome_of(
    handoff: Handoff,
    waiters: Waiters,
    project: str,
    item_id: str,
    *,
    wait_seconds: float,
    left: Left,
) -> ItemOutcome:
    """Return the item's outcome once it is resolved, or as it stands after `wait_seconds`.

    Raises
    ------
    QueueUnreachable
        The review queue is away and the item does not lie in this router's spool.
    """
    async with waiters.waiting(project, [item_id], wait_seconds, left) as wait:
        wait.tell(await handoff.outcome(project, item_id))
        expired = await wait.over()
    found = wait.newest[item_id]
    unheard = expired and wait.unsure and found.status == "in_review"
    if wait_seconds > 0 and (unheard or found.status == "unknown"):
        # What stood when the wait began may not stand any more.
        return await handoff.outcome(project, item_id)
    return found
