"""The trainer's part, as it would do it: versions, the promise of each, the pointer that flips."""

from dataclasses import dataclass
from datetime import timedelta

from bench.serving.model import LABELS, Model
from shared.contracts.base import utc_now
from shared.contracts.projects import Project, certificate_digest
from shared.contracts.versions import (
    Certificate,
    Channels,
    Manifest,
    ModelInput,
    PromiseDocument,
    PromiseEntry,
)
from shared.doorbells import Doorbells, versions_bell
from shared.store import Store, channels_path, manifest_path, model_path, promise_path, sha256

# Two labels: the surer one has at least a half, and never more than the whole.
ANSWER_ALL, ANSWER_NONE = 0.5, 1.1
AUDIT_RATE = 0.02


@dataclass
class Publisher:
    """Writes one project's versions and promise into the store, and rings."""

    store: Store
    bells: Doorbells
    model: Model
    project: Project
    threshold: float = ANSWER_ALL
    champion: str = ""
    revision: int = 0

    async def publish(self, version: str) -> None:
        """Write a complete version, its promise, then flip the pointer and ring."""
        manifest = Manifest(
            version=version,
            created_at=utc_now(),
            model_sha256=sha256(self.model.onnx),
            labels=LABELS,
            inputs=[ModelInput(**entry) for entry in self.model.inputs],
            outputs={"probabilities": self.model.output},
            recipe="text-linear",
        )
        await self.store.write(model_path(self.project.project, version), self.model.onnx)
        await self.store.write_document(manifest_path(self.project.project, version), manifest)
        previous, self.champion = self.champion, version
        await self.promise(self.threshold, previous)
        await self.store.write_document(
            channels_path(self.project.project), Channels(revision=self.revision, champion=version)
        )
        await self.bells.ring(versions_bell(self.project.project))

    async def promise(self, threshold: float, previous: str = "") -> None:
        """Write a promise that answers what reaches `threshold`, and ring."""
        self.threshold = threshold
        self.revision += 1
        document = PromiseDocument(
            revision=self.revision,
            target_accuracy=self.project.promise.target_accuracy,
            confidence=self.project.promise.confidence,
            audit_rate=AUDIT_RATE,
            audit_epoch="bench",
            # The version that still serves keeps its promise while the next one is loaded.
            versions={name: self._entry() for name in (previous, self.champion) if name},
        )
        await self.store.write_document(promise_path(self.project.project), document)
        await self.bells.ring(versions_bell(self.project.project))

    def _entry(self) -> PromiseEntry:
        now = utc_now()
        settings = self.project.promise
        return PromiseEntry(
            state="certified",
            threshold=self.threshold,
            expires_at=now + timedelta(days=30),
            watched_until=now + timedelta(hours=6),
            certificate=Certificate(
                target_accuracy=settings.target_accuracy,
                confidence=settings.confidence,
                threshold=ANSWER_ALL,
                labels=500,
                errors=10,
                upper_bound=0.04,
                attempt=1,
                delta=0.04,
                digest=certificate_digest(self.project),
                model_sha256=sha256(self.model.onnx),
                population="bench",
                certified_at=now,
            ),
        )
