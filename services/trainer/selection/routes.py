"""Routes of the batches."""

from services.trainer.idempotency.service import IdempotencyKey, KeyReused
from services.trainer.resources import InActiveProject, InProject, Operator, Tools, project_router
from services.trainer.selection import service
from services.trainer.selection.messages import Batch, Batches, BatchRequest
from shared.http.lists import After, Limit, decode_cursor, encode_cursor
from shared.problems import ProjectArchived, declare

router = project_router("pool")


@router.post(
    "/pool/batches",
    summary="Ask people about more items",
    responses=declare(ProjectArchived, KeyReused),
)
async def ask_batch(
    wanted: BatchRequest,
    tools: Tools,
    project: InActiveProject,
    operator: Operator,
    idempotency_key: IdempotencyKey = None,
) -> Batch:
    """Choose items of the pool and ask people about them.

    `typiclust` takes typical items of groups without labels, `margin` items that the champion is
    unsure of, `auto` the first until there is a champion and then the second. Of these batches the
    share `exploration_rate` is drawn at random from what was set aside at import. `random` takes
    the next items of the pool's random order.
    """
    return await service.ask_batch(tools, project, wanted, operator.subject, idempotency_key)


@router.get("/pool/batches", summary="List batches, newest first")
async def list_batches(
    tools: Tools, project: InProject, limit: Limit = 100, after: After = None
) -> Batches:
    """List the batches that people were asked about."""
    page = await service.list_batches(tools, project.project, decode_cursor(after), limit)
    cursor = encode_cursor(page[-1].batch_id) if len(page) == limit else None
    return Batches(batches=page, cursor=cursor)
