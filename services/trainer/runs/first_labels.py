"""Before there is a version: which of the first labels look wrong, by cross-validation.

A small model is fitted to them in a process with limits, and what it says of labels that it had not
learned from goes to the store, where the review queue names its suspects by it. It is advice: a
weak model doubts right labels as often as wrong ones, so no run waits for it.
"""

import asyncio
import shutil

import structlog

from services.trainer.child import Child
from services.trainer.datasets.service import current_labels
from services.trainer.datasets.snapshot import canonical_lines, compress
from services.trainer.outcomes import repository as outcomes
from services.trainer.projects.repository import active_run, read_state
from services.trainer.readiness.service import missing_labels
from services.trainer.recipes.installed import installed_recipes
from services.trainer.resources import Resources
from services.trainer.runs import files
from services.trainer.runs.execution import TRAINING, result_of
from services.trainer.runs.files import RunFailed
from services.trainer.runs.publication import write_out_of_fold
from shared.child_limits import memory_mib
from shared.contracts.base import new_id
from shared.contracts.labelling import FIRST_LABELS
from shared.contracts.projects import Project
from shared.store import first_labels_path

log = structlog.get_logger()

# The next look is worth its while once there are a quarter more labels.
_GROWTH = 1.25
_MOST = 2_000
_SECONDS = 60
_QUICK = {
    "text": "text-linear",
    "vector": "head",
    "number": "tabular",
    "category": "tabular",
}
"""The recipe that is quick for a type of field, in order of preference."""


async def look_if_due(resources: Resources, project: Project) -> None:
    """Fit a model where no run can begin yet, and there are enough new labels since the last look.

    Where nothing is missing a run begins, which says more of its labels. `QueueAway` as of
    `missing_labels`.
    """
    recipe, labels = _recipe(project), await _labels(resources, project.project)
    looked_at = resources.first_labels.get(project.project, 0)
    if recipe is None or labels < max(FIRST_LABELS, _GROWTH * looked_at):
        return
    if await missing_labels(resources, project):
        # Not how many of them are usable: else few usable ones would be looked at again and again.
        resources.first_labels[project.project] = labels
        await _look(resources, project, recipe)


async def _labels(resources: Resources, project: str) -> int:
    """Count the labels of a project without a champion or a run under way; else 0."""
    async with resources.database.reading() as session:
        state = await read_state(session, project)
        if state is None or state.champion is not None:
            return 0
        if await active_run(session, project) is not None:
            return 0
        return sum((await outcomes.label_counts(session, project)).values())


async def _look(resources: Resources, project: Project, recipe: str) -> None:
    """Fit a model to the labels there are, and store what it says of each; a fault is logged."""
    name, every = project.project, await current_labels(resources, project)
    # Which ones does not matter, but it must be the same ones as long as they are there.
    labelled = sorted(every, key=lambda item: item.content_hash)[:_MOST]
    lines = await asyncio.to_thread(canonical_lines, labelled)
    job = files.TrainingJob(
        recipe=installed_recipes()[recipe],
        labels=project.labels,
        fields={field: spec.model_dump(mode="json") for field, spec in project.fields.items()},
        seed=0,
        older=1.0,
        memory_mib=memory_mib(resources.settings.run_memory_mib),
        cpu_seconds=min(_SECONDS, resources.settings.run_cpu_seconds),
    )
    try:
        result = await _fit(resources, job, await asyncio.to_thread(compress, lines))
    except RunFailed as failure:
        log.info("first_labels_not_compared", project=name, cause=str(failure))
        return
    await write_out_of_fold(resources, first_labels_path(name), result)


async def _fit(resources: Resources, job: files.TrainingJob, body: bytes) -> files.Result:
    """Carry the job out; `RunFailed`: the labels do not suffice, or it takes too long."""
    # A run's folders are removed at the next start where a killed trainer leaves one.
    folder = resources.runs_folder / f"labels-{new_id()}"
    async with resources.choosing:
        try:
            await asyncio.to_thread(files.write_job, folder, job, body)
            child = await Child.start(TRAINING, folder)
            try:
                await asyncio.wait({child.ended}, timeout=2 * _SECONDS)
                return await result_of(child, folder, job)
            finally:
                await child.end()
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _recipe(project: Project) -> str | None:
    """Return the recipe that is quick for the project's fields; None where none is."""
    types = {spec.type for spec in project.fields.values()}
    return next((recipe for kind, recipe in _QUICK.items() if kind in types), None)
