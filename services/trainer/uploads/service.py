"""Publish a model that was made elsewhere, once a process has checked it."""

import asyncio
import hashlib
import shutil
from pathlib import Path
from typing import BinaryIO

from services.trainer.pool import repository as pool
from services.trainer.registry import service as registry
from services.trainer.registry.messages import VersionView
from services.trainer.resources import Resources
from services.trainer.runs import files
from services.trainer.runs.execution import Cancelled, carrying_out, freeze_labels, run_process
from services.trainer.runs.files import RunFailed
from services.trainer.runs.publication import ActiveRun, publish
from services.trainer.runs.service import begin_upload
from services.trainer.uploads.encoder_service import job_of
from services.trainer.uploads.parts import OwnManifest
from shared.contracts.items import check_data
from shared.contracts.projects import Project
from shared.contracts.versions import ModelInterface
from shared.graphs.signature import PROBABILITIES
from shared.graphs.trial import TRIAL_ITEMS
from shared.problems import Conflict, Unprocessable

_PROCESS = "services.trainer.uploads.check"


async def add(
    resources: Resources, project: Project, manifest: OwnManifest, model: BinaryIO, subject: str
) -> VersionView:
    """Check a model, and publish it as a trained one is published.

    It is a run of mode `upload`: one at a time, recorded, and it can be cancelled. What it was
    trained on is not known. So the labels at hand choose its candidate region, but do not let it
    take a champion's place: its certificate, on fresh labels, does, or an operator.
    """
    interface = _interface(project, manifest)
    digest = await asyncio.to_thread(_sha256, model)
    run, version = await begin_upload(resources, project, subject, digest, interface)
    try:
        async with carrying_out(resources, run, version) as active:
            await asyncio.to_thread(_keep, model, active.folder)
            active.dataset, _ = await freeze_labels(resources, project, run)
            result = await _check(resources, project, active, interface)
            result.metrics.update(manifest.metrics)
            await publish(resources, project, active, result)
    except RunFailed as failure:
        raise Unprocessable([(failure.pointer or "/model", str(failure))]) from failure
    except Cancelled as cancelled:
        raise Conflict("An operator cancelled it; send it again.", run_id=run.run_id) from cancelled
    return await registry.describe(resources, project, version)


def _interface(project: Project, manifest: OwnManifest) -> ModelInterface:
    if manifest.labels not in (None, project.labels):
        fault = f"must be the project's labels in its order: {', '.join(project.labels)}"
        raise Unprocessable([("/manifest/labels", fault)])
    return ModelInterface(
        labels=project.labels,
        inputs=manifest.inputs,
        outputs={PROBABILITIES: manifest.outputs["probabilities"]},
    )


def _sha256(model: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := model.read(1024 * 1024):
        digest.update(chunk)
    model.seek(0)
    return digest.hexdigest()


def _keep(model: BinaryIO, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / files.MODEL).open("wb") as kept:
        shutil.copyfileobj(model, kept)


async def _check(
    resources: Resources, project: Project, active: ActiveRun, interface: ModelInterface
) -> files.Result:
    async with resources.database.reading() as session:
        waiting = await pool.in_states(session, project.project, TRIAL_ITEMS)
    usable = [item for item in waiting if not check_data(item.data, project.fields)]
    job, seconds = job_of(
        resources,
        project,
        interface.model_dump(mode="json"),
        {item.item_id: item.data for item in usable},
    )
    return await run_process(resources, active, _PROCESS, job, seconds=seconds)
