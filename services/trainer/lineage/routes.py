"""Routes of the lineage."""

from services.trainer.lineage import service
from services.trainer.lineage.messages import ItemLineage, SimilarItems
from services.trainer.resources import InProject, Tools, project_router

router = project_router("evidence")


@router.get("/lineage/items/{item_id}", summary="Show what an item's answers rest on")
async def of_item(tools: Tools, project: InProject, item_id: str) -> ItemLineage:
    """Lead from the newest decisions on an item back to version, run, snapshot and certificate.

    What people said of the item stands beside them.
    """
    return await service.of_item(tools, project.project, item_id)


@router.get("/items/{item_id}/similar", summary="Find labelled items like an item")
async def similar(tools: Tools, project: InProject, item_id: str) -> SimilarItems:
    """Find the items with most words in common, of the 5,000 that people labelled last.

    For operators: reviewers must not see the labels of others while they answer blind.
    """
    return await service.similar_items(tools, project.project, item_id)
