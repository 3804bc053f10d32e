"""From a version's folder in the store to a graph that may serve."""

import asyncio
from dataclasses import dataclass

from pydantic import ValidationError

from services.router.scoring.batching import Batcher
from services.router.scoring.session import Scorer, ScoringRefused
from services.router.scoring.tensors import input_fault
from shared.contracts.projects import Project
from shared.contracts.versions import Manifest
from shared.store import Store, manifest_path, model_path, sha256


class VersionRefused(Exception):  # noqa: N818 - says what was done with the version
    """The version may not serve; the message is for the operator."""


@dataclass(frozen=True)
class LoadedVersion:
    """A version that was verified, loaded and warmed."""

    manifest: Manifest
    sha256: str
    batcher: Batcher
    scorer: Scorer

    @property
    def version(self) -> str:
        """Name of the version."""
        return self.manifest.version


def misfit(manifest: Manifest, project: Project) -> str | None:
    """Say why the version is not one for the project as it is now; None when it is."""
    if manifest.labels != project.labels:
        return "its labels are not the project's"
    faults = (input_fault(entry, project.fields) for entry in manifest.inputs)
    return next((fault for fault in faults if fault), None)


async def load_version(
    store: Store, project: Project, version: str, *, threads: int
) -> LoadedVersion:
    """Fetch, verify, load and warm `version`.

    Raises
    ------
    VersionRefused
        The folder is incomplete, a digest or a label differs, or the graph does not score.
    """
    manifest = await _manifest(store, project, version)
    model = await store.read(model_path(project.project, version))
    if model is None:
        raise VersionRefused("its folder has no model.onnx")
    digest = await asyncio.to_thread(sha256, model)
    if digest != manifest.model_sha256:
        raise VersionRefused("model.onnx does not have the digest that the manifest names")
    try:
        scorer = await asyncio.to_thread(Scorer, model, manifest, project.fields, threads=threads)
    except ScoringRefused as error:
        raise VersionRefused(str(error)) from error
    batcher = Batcher(scorer.score, scorer.seconds_per_item, version)
    return LoadedVersion(manifest, digest, batcher, scorer)


async def _manifest(store: Store, project: Project, version: str) -> Manifest:
    try:
        manifest = await store.read_document(manifest_path(project.project, version), Manifest)
    except ValidationError as error:
        raise VersionRefused("its manifest.json is not a manifest") from error
    if manifest is None:
        raise VersionRefused("its folder has no manifest.json")
    if manifest.version != version:
        raise VersionRefused(f"its manifest is that of {manifest.version}")
    fault = misfit(manifest, project)
    if fault:
        raise VersionRefused(fault)
    return manifest
