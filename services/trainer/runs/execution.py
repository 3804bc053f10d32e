"""One training run from its queue to its end: freeze labels, train in a process, publish."""

import contextlib

import structlog

from services.trainer.projects.repository import lock_state
from services.trainer.recipes import RECIPES
from services.trainer.resources import Resources
from services.trainer.runs import files, repository
from services.trainer.runs.files import RunFailed
from services.trainer.runs.publication import ActiveRun, publish
from services.trainer.runs.supervision import carrying_out, freeze_labels, run_process
from services.trainer.tables import Dataset, ProjectState, Run
from shared import tracing
from shared.contracts.projects import Project

log = structlog.get_logger()

_PROCESS = "services.trainer.runs.training"


@tracing.traced("run")
async def execute(resources: Resources, project: Project, run_id: str) -> None:
    """Carry out a queued run; its record shows how it ended."""
    claimed = await claim(resources, project.project, run_id)
    if claimed is None:
        return
    with contextlib.suppress(Exception):
        async with carrying_out(resources, *claimed) as active:
            tracing.note(mode=active.run.mode)
            active.dataset, active.position = await freeze_labels(resources, project, active.run)
            await _link_labels(resources, active.dataset, active.position)
            await publish(resources, project, active, await _train(resources, project, active))


async def _link_labels(resources: Resources, dataset: Dataset, position: int) -> None:
    """Let the run's span point at the traces of its newest labels."""
    if not tracing.is_on():
        return
    tracing.note(dataset_id=dataset.dataset_id, items=dataset.items)
    async with resources.database.reading() as session:
        limit = tracing.MAX_LINKS
        tracing.link(await repository.newest_traces(session, dataset.project, position, limit))


async def claim(resources: Resources, project: str, run_id: str) -> tuple[Run, str] | None:
    """Take a queued run and a version number that no other run gets."""
    async with resources.database.transaction() as session:
        state = await lock_state(session, project)
        run = await session.get_one(Run, run_id)
        if run.state != "queued":
            return None
        version = start(resources, state, run)
    return run, version


def start(resources: Resources, state: ProjectState, run: Run) -> str:
    """Mark a run as running here, in the caller's transaction; return its version's name."""
    version = f"v{state.next_version}"
    state.next_version += 1
    run.state, run.version, run.owner = "running", version, resources.owner
    run.started_at = run.heartbeat_at = resources.now()
    # Before the commit: from then on it counts as lost where it is not under way.
    resources.under_way.add(run.run_id)
    log.info("run_started", project=run.project, run_id=run.run_id, version=version)
    return version


async def _train(resources: Resources, project: Project, active: ActiveRun) -> files.Result:
    module = RECIPES.get(active.run.recipe)
    if module is None:
        raise RunFailed(f"there is no recipe {active.run.recipe}, only {', '.join(RECIPES)}")
    job = files.TrainingJob(
        module=module,
        labels=project.labels,
        fields={name: spec.model_dump(mode="json") for name, spec in project.fields.items()},
        seed=0,
        memory_mib=resources.settings.run_memory_mib,
        cpu_seconds=resources.settings.run_cpu_seconds,
    )
    return await run_process(resources, active, _PROCESS, job)
