"""From a version's folder in the store to a graph that may serve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from pydantic import ValidationError

from services.router.scoring.batching import Batcher
from services.router.scoring.session import Scorer
from services.router.versions.background import in_background
from shared.contracts.projects import Project
from shared.contracts.versions import Manifest
from shared.fields.layouts import Layout
from shared.fields.spec import FieldSpec
from shared.graphs.graph import Graph
from shared.graphs.session import GraphRefused
from shared.graphs.signature import interface_fault
from shared.graphs.tensors import image_layouts
from shared.memory import trim
from shared.store import Store, manifest_path, model_path, sha256


class VersionRefused(Exception):  # noqa: N818 - says what was done with the version
    """The version may not serve; the message is for the operator."""


@dataclass(frozen=True)
class LoadedVersion:
    """A version that was verified, loaded and warmed.

    Attributes
    ----------
    fields : the project's fields that the graph reads, as they were when it was loaded.
    layouts : for each image field, how the graph wants its pictures.
    """

    manifest: Manifest
    sha256: str
    batcher: Batcher
    graph: Graph
    fields: Mapping[str, FieldSpec]
    layouts: Mapping[str, Sequence[Layout]]

    @property
    def version(self) -> str:
        """Name of the version."""
        return self.manifest.version

    def fits(self, project: Project) -> bool:
        """Say whether it would be loaded just so for the project as it is now.

        The order of a category's values, say, is part of how the graph is fed.
        """
        return self.manifest.labels == project.labels and all(
            project.fields.get(name) == spec for name, spec in self.fields.items()
        )


async def load_version(
    store: Store, project: Project, version: str, *, threads: int, run_seconds: float
) -> LoadedVersion:
    """Fetch, verify, load and warm `version`; no run of its graph takes longer than `run_seconds`.

    Raises `VersionRefused`: the folder is incomplete, a digest or a label differs, or the graph
    does not score.
    """
    manifest = await _manifest(store, project, version)
    model = await store.read(model_path(project.project, version))
    if model is None:
        raise VersionRefused("its folder has no model.onnx")
    digest = await in_background(threads, partial(sha256, model))
    if digest != manifest.model_sha256:
        raise VersionRefused("model.onnx does not have the digest that the manifest names")
    try:
        load = partial(
            Scorer, model, manifest, project.fields, threads=threads, run_seconds=run_seconds
        )
        scorer = await in_background(threads, load)
        # To read a graph takes several times its size, which glibc would keep.
        await in_background(threads, trim)
    except GraphRefused as error:
        raise VersionRefused(str(error)) from error
    fields = {name: project.fields[name] for entry in manifest.inputs for name in entry.fields}
    layouts = image_layouts(manifest.inputs, fields)
    batcher = Batcher(
        *(scorer.graph.run, scorer.seconds_per_item, scorer.graph.batch, project.project, version),
        run_seconds=run_seconds,
        is_bounded=scorer.is_bounded,
    )
    return LoadedVersion(manifest, digest, batcher, scorer.graph, fields, layouts)


async def _manifest(store: Store, project: Project, version: str) -> Manifest:
    try:
        manifest = await store.read_document(manifest_path(project.project, version), Manifest)
    except ValidationError as error:
        raise VersionRefused("its manifest.json is not a manifest") from error
    if manifest is None:
        raise VersionRefused("its folder has no manifest.json")
    if manifest.version != version:
        raise VersionRefused(f"its manifest is that of {manifest.version}")
    fault = interface_fault(manifest, project.labels, project.fields)
    if fault:
        raise VersionRefused(fault)
    return manifest
