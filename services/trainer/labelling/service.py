"""Ask for batches automatically, delay training until the first labels suffice, and say why."""

import structlog

from services.trainer.labelling import repository
from services.trainer.labelling.curve import learning_curve, measure_if_due
from services.trainer.labelling.messages import LabellingView, StopAdvice
from services.trainer.labelling.stopping import STABLE_ROUNDS
from services.trainer.outcomes import repository as outcomes
from services.trainer.pool import repository as pool
from services.trainer.projects.repository import active_run, has_open_certification
from services.trainer.readiness.checks import Missing
from services.trainer.readiness.service import missing_labels, suspected
from services.trainer.resources import Resources
from services.trainer.selection.messages import BatchRequest
from services.trainer.selection.service import ask_batch
from shared.contracts.projects import Project
from shared.problems import Unavailable

log = structlog.get_logger()

_ACTOR = "trainer"
# Asked for before the last answers are in, so that reviewers need not wait for the next batch.
_OPEN_SHARE = 0.2
_PAYS = {"pays": True, "does_not_pay": False}


async def step(resources: Resources, project: Project) -> None:
    """Measure a new version, and ask for the next batch where labelling is automatic.

    `QueueAway` where reviewers' errors cannot be asked for.
    """
    await measure_if_due(resources, project)
    if not project.labelling.automatic or await _waits_for(resources, project):
        return
    found = await describe(resources, project)
    if found.stage == "stopped":
        return
    settings = project.labelling
    size = settings.batch_size
    if settings.most_labels is not None:
        size = min(size, settings.most_labels - found.labels - found.open_items)
    strategy = settings.strategy
    if strategy == "auto" and found.selection_pays is False:
        strategy = "random"
    wanted = BatchRequest.model_validate({"strategy": strategy, "size": size})
    try:
        await ask_batch(resources, project, wanted, _ACTOR)
    except Unavailable:
        # Reviewers must not wait because a model cannot select items.
        await ask_batch(resources, project, BatchRequest(strategy="random", size=size), _ACTOR)


async def describe(resources: Resources, project: Project) -> LabellingView:
    """Return where the labelling stands, and what it waits for."""
    name, settings = project.project, project.labelling
    curve = await learning_curve(resources, project, STABLE_ROUNDS)
    missing = await missing_labels(resources, project)
    suspects = await suspected(resources, project, missing)
    async with resources.database.reading() as session:
        labels = sum((await outcomes.label_counts(session, name)).values())
        open_items = await repository.count_open(session, name)
        left = await pool.in_states(session, name, 1, "", ("waiting",))
    stopped = _why_stopped(project, labels + open_items, bool(left), curve.stop)
    waits_for = await _waits_for(resources, project)
    stage = "stopped" if stopped else "learning" if curve.points else "seed"
    return LabellingView.model_validate(
        {
            "automatic": settings.automatic,
            "stage": stage,
            "labels": labels,
            "open_items": open_items,
            "missing": missing,
            "waits_for": waits_for,
            "stop": curve.stop,
            "selection_pays": _PAYS.get(curve.control.verdict),
            "suspects": suspects,
            "sentence": _sentence(project, stage, missing, stopped, waits_for, curve.stop)
            + _advice(suspects),
        }
    )


async def _waits_for(resources: Resources, project: Project) -> str | None:
    """Return what the next batch waits for."""
    name = project.project
    async with resources.database.reading() as session:
        if await active_run(session, name) is not None:
            return "the training run that is under way"
        if await has_open_certification(session, name):
            return "the labels of a certification"
        open_items = await repository.count_open(session, name)
    if open_items > _OPEN_SHARE * project.labelling.batch_size:
        return f"the answers to {open_items} items of the last batch"
    return None


def _why_stopped(project: Project, asked: int, is_left: bool, stop: StopAdvice) -> str | None:
    most = project.labelling.most_labels
    if most is not None and asked >= most:
        return f"`labelling.most_labels` ({most}) is reached"
    if not is_left:
        return "no item waits in the pool"
    return stop.words if stop.advice == "stop" else None


def _advice(suspects: int | None) -> str:
    if not suspects:
        return ""
    found = "1 label looks" if suspects == 1 else f"{suspects} labels look"
    return f" Before training, {found} wrong (GET …/suspects, page Data): ask people again."


def _sentence(
    project: Project,
    stage: str,
    missing: list[Missing],
    stopped: str | None,
    waits_for: str | None,
    stop: StopAdvice,
) -> str:
    if stage == "seed" and missing:
        wanted = "; ".join(one.words for one in missing)
        begin = f"Training waits for {wanted}."
    elif stopped is not None:
        return f"No further batch is due: {stopped}."
    else:
        begin = f"Go on: {stop.words}."
    if not project.labelling.automatic:
        return f"{begin} Batches are asked for by operators (labelling.automatic is false)."
    if waits_for is not None:
        return f"{begin} The next batch waits for {waits_for}."
    return f"{begin} The next batch is being asked for."
