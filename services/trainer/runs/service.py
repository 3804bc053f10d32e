"""Request, list and cancel runs; start one when enough labels have come."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from services.trainer.idempotency.service import KeyedRequest
from services.trainer.projects.repository import (
    active_run,
    has_open_certification,
    locking,
    read_state,
)
from services.trainer.projects.service import work_bell
from services.trainer.readiness.service import faults_of_labels, may_start_run
from services.trainer.recipes import OWN
from services.trainer.recipes.installed import unknown_recipe
from services.trainer.registry import repository as registry
from services.trainer.resources import Resources
from services.trainer.runs.due import Cause, Mode, cause_to_begin, choose
from services.trainer.runs.execution import start
from services.trainer.runs.messages import RunRequest, RunView
from services.trainer.tables import Run, page_before
from shared.contracts.projects import Project
from shared.contracts.versions import ModelInterface
from shared.db import Session
from shared.problems import Conflict, NotFound, Unprocessable

log = structlog.get_logger()


class RunActive(Conflict):
    """One run at a time a project."""

    kind, title = "run-active", "A run is active"


class LabelsNotReady(Conflict):
    """The first labels are not good enough to learn from."""

    kind, title = "labels-not-ready", "The first labels are not ready"


class CertificationOpen(Conflict):
    """No run starts while a certification waits for verdicts."""

    kind, title = "certification-open", "A certification is open"


async def request(
    resources: Resources,
    project: Project,
    wanted: RunRequest,
    subject: str,
    key: str | None = None,
) -> RunView:
    """Queue a run, unless the last one or a certification has not ended.

    The same key gives the same run, once. Raises `KeyReused`; `Unprocessable`: this trainer has no
    such recipe; `LabelsNotReady`: it would be the first run, and reviewers disagree or err too
    often.
    """
    asked = KeyedRequest.of("run", key, wanted)
    if wanted.recipe is not None and (fault := unknown_recipe(wanted.recipe)):
        raise Unprocessable([("/recipe", fault)])
    may_be_first = wanted.mode in {None, "initial"}
    faults = await faults_of_labels(resources, project) if may_be_first else []
    async with locking(resources.database, project.project) as (session, state):
        before = await asked.created(session, project.project, resources.now())
        if before is not None:
            return view(await session.get_one(Run, before))
        await _refuse_if_busy(session, project.project)
        mode = await choose(session, state, wanted.mode)
        if faults and mode.name == "initial":
            raise LabelsNotReady(
                f"Training waits: {'; '.join(one.words for one in faults)}. Resolve that "
                "first, or ask for mode active, which trains without this check.",
                missing=[one.model_dump(mode="json") for one in faults],
            )
        cause = Cause("operator", f"{subject} asked for it")
        recipe = wanted.recipe or project.training.recipe
        run = _new_run(resources, project, mode, cause, recipe, subject)
        session.add(run)
        await asked.record(session, project.project, run.run_id, resources.now())
    await resources.bells.ring(work_bell(project.project))
    return view(run)


async def begin_upload(
    resources: Resources,
    project: Project,
    subject: str,
    model_sha256: str,
    interface: ModelInterface,
) -> tuple[Run, str]:
    """Begin the run that checks and publishes an uploaded model; return it and its version.

    Refused as a training run is: the new version would take the place of what is under way. So is
    a model that is a version already: a second one would only be more draws at the same promise.
    """
    async with locking(resources.database, project.project) as (session, state):
        await _refuse_if_busy(session, project.project)
        same = await registry.same_model(session, project.project, model_sha256, interface)
        if same is not None:
            detail = f"This model is version {same} already; a new certification of it can be asked"
            raise Conflict(f"{detail} for with POST …/certify.", version=same)
        mode = Mode("upload", "it trains nothing")
        cause = Cause("upload", f"{subject} sent a model")
        run = _new_run(resources, project, mode, cause, OWN, subject)
        session.add(run)
        version = start(resources, state, run)
    return run, version


def _new_run(
    resources: Resources, project: Project, mode: Mode, cause: Cause, recipe: str, by: str
) -> Run:
    return Run(
        project=project.project,
        mode=mode.name,
        cause=cause.name,
        reason=f"{cause.words}; {mode.name}: {mode.reason}",
        recipe=recipe,
        requested_by=by,
        created_at=resources.now(),
    )


async def _refuse_if_busy(session: Session, project: str) -> None:
    active = await active_run(session, project)
    if active is not None:
        raise RunActive("Wait for the active run to end, or cancel it.", run_id=active.run_id)
    if await has_open_certification(session, project):
        raise CertificationOpen(
            "A certification waits for verdicts; a run starts when they are in "
            "(GET …/certificate says how far they are)."
        )


async def start_if_due(resources: Resources, project: Project) -> None:
    """Queue a run when labels, a change or the clock make one due (`cause_to_begin`).

    A first one waits until the labels are good enough.
    """
    name = project.project
    async with resources.database.reading() as session:
        state = await read_state(session, name)
        if state is None or not await cause_to_begin(session, project, state, resources.now()):
            return
    if not await may_start_run(resources, project):
        return
    async with locking(resources.database, name) as (session, state):
        if await active_run(session, name) or await has_open_certification(session, name):
            return
        # Between the look and the lock a run may have ended that used these labels up.
        cause = await cause_to_begin(session, project, state, resources.now())
        if cause is None:
            return
        mode = await choose(session, state)
        run = _new_run(resources, project, mode, cause, project.training.recipe, "trainer")
        session.add(run)
    await resources.bells.ring(work_bell(name))
    log.info("run_due", project=name, cause=cause.name, mode=mode.name)


async def queued(resources: Resources, project: str, read_at: datetime | None = None) -> str | None:
    """Return the id of the project's queued run; None where it has to wait for its labels.

    Parameters
    ----------
    read_at
        When the last whole reading of the outcomes began. A run that was asked for later waits for
        the next one: labels that were there when it was asked for may not have been read yet.
    """
    async with resources.database.reading() as session:
        run = await active_run(session, project)
    if run is None or run.state != "queued":
        return None
    return None if read_at is not None and run.created_at > read_at else run.run_id


async def cancel(resources: Resources, project: str, run_id: str) -> RunView:
    """Cancel a run; one that has ended stays as it is."""
    async with locking(resources.database, project) as (session, _):
        run = await _require(session, project, run_id)
        if run.state == "queued":
            run.state, run.detail = "cancelled", "cancelled by an operator"
            run.finished_at = resources.now()
        elif run.state == "running":
            run.cancel_requested = True
    await resources.bells.ring(work_bell(project))
    return view(run)


async def describe(resources: Resources, project: str, run_id: str) -> RunView:
    """Return one run with its log's tail and its report; `NotFound` when there is no such run."""
    async with resources.database.reading() as session:
        run = await _require(session, project, run_id)
        version = await registry.find(session, project, run.version)
    shown = RunView.model_validate(run, from_attributes=True)
    report = None if version is None else version.manifest.get("report")
    return shown.model_copy(update={"report": report})


async def list_runs(
    resources: Resources, project: str, before: str | None, limit: int
) -> Sequence[RunView]:
    """Return runs, newest first."""
    async with resources.database.reading() as session:
        return [
            view(run) for run in await page_before(session, Run, project, Run.run_id, before, limit)
        ]


async def _require(session: Session, project: str, run_id: str) -> Run:
    run = await session.get(Run, run_id)
    if run is None or run.project != project:
        raise NotFound("There is no such run; GET …/runs lists them.", run_id=run_id)
    return run


def view(run: Run) -> RunView:
    """Return a run as the API shows it in lists."""
    return RunView.model_validate(run, from_attributes=True).model_copy(update={"log": None})
