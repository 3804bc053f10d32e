"""Publish a run's version: model, manifest, then the state; champion if the gate promotes it."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from services.trainer.gate import service as gate
from services.trainer.gate.candidacy import Candidacy
from services.trainer.gate.rule import GateDecision
from services.trainer.gate.taking_over import take_over
from services.trainer.projects.repository import locking, read_state
from services.trainer.registry import repository as registry
from services.trainer.resources import Resources
from services.trainer.runs.files import MODEL, Result
from services.trainer.runs.judging import judge_publication
from services.trainer.tables import Certification, Dataset, Run, Version
from shared.contracts.projects import Project
from shared.contracts.versions import Manifest, ModelInput, OutOfFold
from shared.store import first_labels_path, manifest_path, model_path, out_of_fold_path, sha256

log = structlog.get_logger()


class RunInterrupted(Exception):  # noqa: N818 - says what happened to the run
    """This trainer was silent for so long that another one has ended the run."""


@dataclass
class ActiveRun:
    """A run, the version it is to make, and the folder it works in.

    `dataset` is the snapshot that it reads, once it is frozen. `position` is how far a training run
    has looked at the labels: those up to there start no other one, however it ends.
    """

    run: Run
    version: str
    folder: Path
    dataset: Dataset = field(init=False)
    position: int | None = None


async def publish(
    resources: Resources, project: Project, active: ActiveRun, result: Result
) -> Version:
    """Write the version's folder, judge the version, and record it and its run's end at once.

    A crash before the record leaves a folder that no channel names; `discard` removes it.
    """
    name = project.project
    async with resources.database.reading() as session:
        state = await read_state(session, name)
    model = await asyncio.to_thread((active.folder / MODEL).read_bytes)
    manifest = Manifest(
        version=active.version,
        created_at=resources.now(),
        model_sha256=sha256(model),
        labels=project.labels,
        inputs=[ModelInput.model_validate(entry) for entry in result.inputs],
        outputs={"probabilities": result.output},
        recipe=active.run.recipe,
        dataset_id=active.dataset.dataset_id,
        outcomes_cursor=active.dataset.outcomes_cursor,
        parent=None if state is None else state.champion,
        calibration=result.calibration,
        metrics=result.metrics,
        report=result.report,
    )
    await resources.store.write(model_path(name, active.version), model)
    await write_out_of_fold(resources, out_of_fold_path(name, active.version), result)
    await resources.store.write_document(manifest_path(name, active.version), manifest)
    version = _version(project, active, result, manifest)
    decision = await judge_publication(resources, project, version, active.dataset)
    await _record(resources, project, version, active, decision)
    await _write_documents(resources, name, is_champion=decision.promote)
    log.info("version_published", project=name, version=active.version)
    return version


async def _write_documents(resources: Resources, project: str, *, is_champion: bool) -> None:
    try:
        await resources.documents.sync(project)
        if is_champion:
            # From now on the champion's cross-fitting is read in its place.
            await resources.store.delete(first_labels_path(project))
    except Exception:
        # The version is recorded, so its folder must stay; the worker tries again.
        log.exception("documents_left_for_later", project=project)


async def discard(resources: Resources, project: str, version: str) -> None:
    """Remove the folder of a version that was never recorded: its manifest first."""
    await resources.store.delete(manifest_path(project, version))
    await resources.store.delete(out_of_fold_path(project, version))
    await resources.store.delete(model_path(project, version))


async def write_out_of_fold(resources: Resources, path: str, result: Result) -> None:
    """Write what cross-fitting said of the training labels, if the recipe tells it."""
    if not result.predicted:
        return
    document = OutOfFold(
        item_ids=result.item_ids,
        labels=result.labels,
        predicted=result.predicted,
        confidences=result.scores,
        label_probabilities=result.label_scores,
    )
    await resources.store.write_document(path, document)


def _version(project: Project, active: ActiveRun, result: Result, manifest: Manifest) -> Version:
    return Version(
        project=project.project,
        version=active.version,
        number=int(active.version.removeprefix("v")),
        run_id=active.run.run_id,
        dataset_id=active.dataset.dataset_id,
        manifest=manifest.model_dump(mode="json"),
        tune={key: getattr(result, key) for key in ("item_ids", "scores", "correct", "uniform")},
        created_at=manifest.created_at,
    )


async def _record(
    resources: Resources,
    project: Project,
    version: Version,
    active: ActiveRun,
    decision: GateDecision,
) -> None:
    now = resources.now()
    async with locking(resources.database, project.project) as (session, state):
        run = await session.get_one(Run, active.run.run_id)
        if run.state != "running":
            raise RunInterrupted(run.run_id)
        session.add(version)
        await session.flush()
        name = project.project
        await registry.give_way(session, name, f"{version.version} takes its place")
        first = Certification(project=name, version=version.version, attempt=1, created_at=now)
        session.add(first)
        candidacy = Candidacy(session, project, state, version, now)
        gate.record(candidacy, "publication", decision)
        # A champion that an operator changed meanwhile is not the one that was judged.
        if decision.promote and state.champion == version.manifest["parent"]:
            await take_over(candidacy)
        if active.position is not None:
            state.trained_position = max(state.trained_position, active.position)
        run.state, run.progress, run.finished_at = "succeeded", 1.0, now
