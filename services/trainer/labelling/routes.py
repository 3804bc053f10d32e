"""Routes of the labelling."""

from services.trainer.labelling import service
from services.trainer.labelling.curve import learning_curve
from services.trainer.labelling.messages import LabellingView, LearningCurve
from services.trainer.queue_client import QueueAway
from services.trainer.resources import InProject, Tools, project_router
from shared.problems import Unavailable

router = project_router("pool")


@router.get("/labelling", summary="Where the labelling of the pool stands")
async def get_labelling(tools: Tools, project: InProject) -> LabellingView:
    """Say what is missing before training, what the next batch waits for, or why there is none."""
    try:
        return await service.describe(tools, project)
    except QueueAway as error:
        raise Unavailable("The review queue is away; it knows how reviewers do.") from error


@router.get("/learning-curve", summary="What each version made of its labels")
async def get_learning_curve(tools: Tools, project: InProject) -> LearningCurve:
    """Give accuracy against labels, version by version, and whether further labels help."""
    return await learning_curve(tools, project)
