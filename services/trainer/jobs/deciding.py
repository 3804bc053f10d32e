"""Decide many items as a router would: by the same code, documents and certificate.

Nothing is audited or written to the decision log: the answers of a job are neither evidence about
the promise nor traffic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.trainer.registry.scores import LoadedVersion
from services.trainer.resources import Resources
from services.trainer.tables import Job
from shared.contracts.projects import Project
from shared.contracts.promise_status import PromiseStatus, digest_of, promise_status
from shared.contracts.versions import Certificate, PromiseDocument
from shared.draws import Draw
from shared.routing.decisions import Decision, Policy, route
from shared.routing.scores import Score, scores_of
from shared.store import promise_path

_NO_AUDIT = Draw(b"", 0.0)


@dataclass(frozen=True)
class JudgedPromise:
    """Whether a version may answer at a moment, and by which certificate."""

    status: PromiseStatus
    certificate: Certificate | None

    @property
    def certificate_id(self) -> str | None:
        """The certification that proved the threshold; None where nothing may be answered."""
        if self.status.refusal is not None or self.certificate is None:
            return None
        found = self.certificate.evidence.get("certification_id")
        return found if isinstance(found, str) else None


def note_population(job: Job, promise: JudgedPromise) -> None:
    """Record of which population the certificate speaks by which rows of a job are answered.

    Where it is renewed meanwhile, the one from traffic is kept: it says less of a pool or a file.
    """
    if promise.certificate_id is not None and job.population != "traffic":
        assert promise.certificate is not None
        job.population = promise.certificate.population


async def judge_promise(
    resources: Resources, project: Project, version: LoadedVersion
) -> JudgedPromise:
    """Judge a version by the promise's document in the store, as routers do."""
    document = await resources.store.read_document(promise_path(project.project), PromiseDocument)
    name, digest = version.manifest.version, digest_of(project)
    sha256, now = version.manifest.model_sha256, resources.now()
    status = promise_status(project, digest, document, name, sha256, now)
    entry = None if document is None else document.versions.get(name)
    return JudgedPromise(status, None if entry is None else entry.certificate)


async def decide(
    project: str,
    version: LoadedVersion,
    promise: JudgedPromise,
    items: Sequence[Mapping[str, Any]],
) -> list[tuple[Score | None, Decision]]:
    """Score the `data` of n items and decide each: answered, or declined with its reason.

    Raises `ModelUnusable`: a run of the graph takes too long.
    """
    policy = Policy(
        project=project,
        labels=tuple(version.manifest.labels),
        status=promise.status,
        audit=_NO_AUDIT,
        review="never",
    )
    scores = scores_of(await version.run(items)) if items else []
    # Without an audit a decision does not depend on the item's id.
    return [(score, route("", score, policy)) for score in scores]
