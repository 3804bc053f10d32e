"""Find first labels that look wrong, before there is a version, by cross-validation.

A small model is fitted to them in a process with limits, and what it says of labels that it had not
learned from goes to the store, where the review queue reads its suspects. It is advice: a weak
model doubts right labels as often as wrong ones, so no run waits for it.
"""

import asyncio

import structlog
from pydantic import ValidationError

from services.trainer.datasets.service import current_labels
from services.trainer.datasets.snapshot import canonical_lines, compress
from services.trainer.outcomes import repository as outcomes
from services.trainer.projects.repository import active_run, read_state
from services.trainer.readiness.service import missing_labels
from services.trainer.recipes.installed import installed_recipes
from services.trainer.resources import PASSING, Resources
from services.trainer.runs import files
from services.trainer.runs.execution import TRAINING, run_apart
from services.trainer.runs.files import RunFailed
from services.trainer.runs.publication import write_out_of_fold
from shared.child_limits import memory_mib
from shared.contracts.labelling import FIRST_LABELS
from shared.contracts.projects import Project
from shared.contracts.versions import OutOfFold
from shared.logs import cause_of
from shared.loops import cancel_all
from shared.store import first_labels_path

log = structlog.get_logger()

# The next look is due once there are a quarter more labels, or fewer than before.
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


class FirstLooks:
    """Looks at first labels beside the turns of the projects, at most one look a project.

    `faults` names the projects whose look a passing fault has ended: the worker takes them.
    """

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._looked_at: dict[str, int] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.faults: set[str] = set()

    def begin(self, project: str) -> None:
        """Look at the project's labels if that is due, unless a look is under way."""
        task = self._tasks.get(project)
        if task is None or task.done():
            self._tasks[project] = asyncio.create_task(self._work(project))

    async def forget(self, project: str) -> None:
        """End the look at a project, and forget how many labels it had: it was deleted."""
        if project in self._tasks:
            await cancel_all([self._tasks.pop(project)])
        self.faults.discard(project)
        self._looked_at.pop(project, None)

    async def close(self) -> None:
        """End all looks."""
        await cancel_all(self._tasks.values())

    async def _work(self, name: str) -> None:
        try:
            # Labels that come during a look may make the next one due.
            while await self.look_if_due(name):
                pass
        except PASSING as error:
            log.warning("first_labels_left_for_later", project=name, cause=cause_of(error))
            self.faults.add(name)
        except Exception:
            log.exception("first_labels_look_failed", project=name)

    async def look_if_due(self, name: str) -> bool:
        """Cross-validate the labels if no run can begin yet and their number has changed enough.

        Where nothing is missing a run begins, whose own cross-validation says more. Returns whether
        it looked. Raises what `missing_labels` raises.
        """
        resources = self._resources
        async with resources.looking:
            # As of the last turn: it may have been edited or archived while the look waited.
            project = await resources.projects.last(name)
            if project is None or project.archived_at is not None:
                return False
            recipe, labels = _recipe(project), await _labels(resources, project)
            if recipe is None or labels < FIRST_LABELS:
                return False
            looked_at = self._looked_at.get(name)
            if looked_at is None:
                looked_at = self._looked_at[name] = await _stored(resources, name)
            if looked_at <= labels < _GROWTH * looked_at:
                return False
            if not await missing_labels(resources, project):
                return False
            await _look(resources, project, recipe)
            # All labels, not only usable ones: where few are usable, a look would be due each time.
            self._looked_at[name] = labels
            return True


async def _stored(resources: Resources, project: str) -> int:
    """Count the labels of the last look that the store has: what is known after a restart."""
    try:
        found = await resources.store.read_document(first_labels_path(project), OutOfFold)
    except ValidationError:
        return 0  # the next look replaces it
    return 0 if found is None else len(found.item_ids)


async def _labels(resources: Resources, project: Project) -> int:
    """Count the labels, of the project's own, where there is no champion and no run; else 0."""
    async with resources.database.reading() as session:
        state = await read_state(session, project.project)
        if state is None or state.champion is not None:
            return 0
        if await active_run(session, project.project) is not None:
            return 0
        counts = await outcomes.label_counts(session, project.project)
    return sum(count for label, count in counts.items() if label in project.labels)


async def _look(resources: Resources, project: Project, recipe: str) -> None:
    """Fit a model to the labels there are, and store what it says of each.

    Labels that a model cannot be fitted to are logged.
    """
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
    body = await asyncio.to_thread(compress, lines)
    try:
        result = await run_apart(resources, "labels", TRAINING, job, body, seconds=2 * _SECONDS)
    except RunFailed as failure:
        log.info("first_labels_not_compared", project=name, cause=str(failure))
        return
    await write_out_of_fold(resources, first_labels_path(name), result)


def _recipe(project: Project) -> str | None:
    """Return the recipe that is quick for the project's fields; None where none is."""
    types = {spec.type for spec in project.fields.values()}
    return next((recipe for kind, recipe in _QUICK.items() if kind in types), None)
