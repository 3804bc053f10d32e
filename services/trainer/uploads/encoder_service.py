"""Take a project's own encoder, once a process has checked it."""

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.datastructures import UploadFile

from services.trainer.encoders import stored
from services.trainer.encoders.stored import LONGEST_FILE_NAME, Encoder, EncoderManifest
from services.trainer.resources import Resources
from services.trainer.runs import files
from services.trainer.runs.execution import run_apart
from shared.child_limits import memory_mib
from shared.contracts.projects import Project
from shared.problems import Conflict, NotFound, Unprocessable
from shared.store import sha256

log = structlog.get_logger()

_PROCESS = "services.trainer.uploads.encoder_check"
# On a busy machine processor time passes more slowly than the clock.
_PATIENCE = 4


@dataclass(frozen=True)
class ReplaceCondition:
    """Which encoder a request may replace: that of a digest, or none (`is_first`); else any."""

    digest: str | None = None
    is_first: bool = False

    async def require(self, resources: Resources, project: str) -> str | None:
        """Raise `Conflict` where the project has another encoder than the request expects.

        Returns the tag of the one it has, for `stored.put`.
        """
        found, tag = await stored.current_tagged(resources, project)
        if self.digest is None and not self.is_first:
            return tag
        if found is None and self.digest is not None:
            raise Conflict("The encoder was removed meanwhile.")
        if found is not None and found.sha256 != self.digest:
            raise Conflict(
                f"{found.uploaded_by} uploaded another encoder meanwhile: see GET …/encoder.",
                sha256=found.sha256,
            )
        return tag


async def put(
    resources: Resources,
    project: Project,
    manifest: EncoderManifest,
    model: UploadFile,
    subject: str,
    terms: ReplaceCondition,
) -> Encoder:
    """Check an encoder, and keep it as the project's; the same file again is checked again.

    Raises `Unprocessable`: it cannot be used, and the sentence says why; `Conflict`: see
    `ReplaceCondition`.
    """
    name = project.project
    await terms.require(resources, name)
    async with resources.checking:
        # Uploads that wait for their turn are on the disk, not in memory.
        body = await asyncio.to_thread(model.file.read)
        try:
            result = await _check(resources, project, manifest, body)
        except files.RunFailed as failure:
            raise Unprocessable([(failure.pointer or "/model", str(failure))]) from failure
        encoder = Encoder(
            inputs=manifest.inputs,
            outputs=manifest.outputs,
            sha256=await asyncio.to_thread(sha256, body),
            file_name=(model.filename or "")[:LONGEST_FILE_NAME] or None,
            width=int(result.metrics["width"]),
            size_bytes=len(body),
            uploaded_at=resources.now(),
            uploaded_by=subject,
        )
        # The check takes seconds: the encoder may have been removed, or replaced elsewhere.
        async with resources.changing_encoder:
            tag = await terms.require(resources, name)
            await stored.put(resources, name, encoder, body, tag)
    log.info("encoder_kept", project=name, sha256=encoder.sha256, width=encoder.width)
    return encoder


async def remove(resources: Resources, project: Project, terms: ReplaceCondition) -> None:
    """Remove the project's encoder, if it has one. Raises `Conflict`: see `ReplaceCondition`."""
    async with resources.changing_encoder:
        await terms.require(resources, project.project)
        # Stores have no conditional removal: an upload at another trainer may come in between.
        await stored.remove(resources, project.project)


async def get(resources: Resources, project: Project) -> Encoder:
    """Return the project's encoder. Raises `NotFound`: it has none."""
    found = await stored.current(resources, project.project)
    if found is None:
        raise NotFound("The project has no encoder; PUT …/encoder gives it one.")
    return found


async def _check(
    resources: Resources, project: Project, manifest: EncoderManifest, model: bytes
) -> files.Result:
    inputs = [entry.model_dump(mode="json") for entry in manifest.inputs]
    interface = {"inputs": inputs, "output": manifest.outputs["vector"]}
    job, seconds = job_of(resources, project, interface, {})
    more = {files.MODEL: model}
    return await run_apart(resources, "encoder", _PROCESS, job, seconds=seconds, more=more)


def job_of(
    resources: Resources,
    project: Project,
    interface: dict[str, Any],
    samples: dict[str, dict[str, Any]],
) -> tuple[files.CheckJob, float]:
    """Return the job of a check, see `CheckJob`, and how many seconds to wait for it."""
    settings = resources.settings
    job = files.CheckJob(
        memory_mib=memory_mib(settings.run_memory_mib),
        cpu_seconds=settings.check_seconds,
        interface=interface,
        fields={name: spec.model_dump(mode="json") for name, spec in project.fields.items()},
        samples=samples,
    )
    return job, _PATIENCE * settings.check_seconds
