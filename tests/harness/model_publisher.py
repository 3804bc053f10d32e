"""Tiny graphs and the store documents around them, as a trainer would write them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from shared.contracts.base import utc_now
from shared.contracts.projects import (
    Project,
    StoredPromiseSettings,
    certificate_digest,
)
from shared.contracts.versions import (
    Certificate,
    Challenger,
    Channels,
    Manifest,
    ModelInput,
    PromiseDocument,
    PromiseEntry,
    PromiseState,
)
from shared.fields.number import NumberField
from shared.store import (
    Store,
    channels_path,
    manifest_path,
    model_path,
    project_path,
    promise_path,
    sha256,
)

LABELS = ["negative", "positive"]
# P(positive) = sigmoid(slope * x): these numbers are sure and unsure at the threshold below.
SURE, UNSURE = 5.0, 0.5
THRESHOLD = 0.9


def number_graph(slope: float = 1.0, bias: float = 0.0) -> bytes:
    """A graph from `score` float [n, 1] to softmax([0, slope * score + bias])."""
    nodes = [
        helper.make_node("MatMul", ["score", "w"], ["xw"]),
        helper.make_node("Add", ["xw", "b"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    return _graph(
        nodes, helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1]), slope, bias
    )


def text_graph() -> bytes:
    """A graph from `text` string [n, 1]: "good" is 4, "bad" is -4, all else is 0."""
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["text"],
            ["score"],
            domain="ai.onnx.ml",
            keys_strings=["good", "bad"],
            values_floats=[4.0, -4.0],
            default_float=0.0,
        ),
        helper.make_node("MatMul", ["score", "w"], ["xw"]),
        helper.make_node("Add", ["xw", "b"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    return _graph(
        nodes, helper.make_tensor_value_info("text", TensorProto.STRING, [None, 1]), 1.0, 0.0
    )


def slow_graph(rounds: int = 300_000, always: int = 0) -> bytes:
    """A graph that answers [0.5, 0.5], after `rounds` additions for each 1.0 of its scores.

    It adds `always` more, also while it is warmed up.
    """
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["goes"]),
            helper.make_node("Add", ["total", "one"], ["more"]),
        ],
        "round",
        [
            helper.make_tensor_value_info("n", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("total", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("goes", TensorProto.BOOL, []),
            helper.make_tensor_value_info("more", TensorProto.FLOAT, []),
        ],
    )
    constants = [
        numpy_helper.from_array(np.array(value), name)
        for name, value in {
            "rounds": np.float32(rounds),
            "always": np.float32(always),
            "zero": np.float32(0),
            "one": np.float32(1),
            "yes": np.bool_(True),
            "nothing": np.zeros((1, 2), dtype=np.float32),
        }.items()
    ]
    nodes = [
        helper.make_node("ReduceSum", ["score"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "rounds"], ["some"]),
        helper.make_node("Add", ["some", "always"], ["trips"]),
        helper.make_node("Cast", ["trips"], ["count"], to=TensorProto.INT64),
        helper.make_node("Loop", ["count", "yes", "zero"], ["total"], body=body),
        helper.make_node("Mul", ["total", "zero"], ["none"]),
        helper.make_node("MatMul", ["score", "nothing"], ["flat"]),
        helper.make_node("Add", ["flat", "none"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    source = helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])
    return _model(nodes, source, constants)


def _graph(nodes: list[Any], source: Any, slope: float, bias: float) -> bytes:
    constants = [
        numpy_helper.from_array(np.array([[0.0, slope]], dtype=np.float32), "w"),
        numpy_helper.from_array(np.array([0.0, bias], dtype=np.float32), "b"),
    ]
    return _model(nodes, source, constants)


def _model(nodes: list[Any], source: Any, constants: list[Any]) -> bytes:
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])
    model = helper.make_model(
        helper.make_graph(nodes, "tiny", [source], [output], constants),
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)],
        ir_version=9,
    )
    return bytes(model.SerializeToString())


NUMBER_INPUT = ModelInput(name="score", field="score", dtype="float", shape=[-1, 1])
TEXT_INPUT = ModelInput(name="text", field="text", dtype="string", shape=[-1, 1])


def project_of(name: str = "shop", **changes: Any) -> Project:
    """A project with one number field, `score`, and metadata key `channel`."""
    given: dict[str, Any] = {
        "project": name,
        "revision": 1,
        "labels": LABELS,
        "fields": {"score": NumberField()},
        "metadata": ["channel"],
        "promise": StoredPromiseSettings(target_accuracy=0.9, confidence=0.95),
        "created_at": utc_now(),
        "updated_at": utc_now(),
    }
    return Project(**{**given, **changes})


def manifest_of(version: str, model: bytes, /, **changes: Any) -> Manifest:
    """The manifest of a version."""
    given: dict[str, Any] = {
        "version": version,
        "created_at": utc_now(),
        "model_sha256": sha256(model),
        "labels": LABELS,
        "inputs": [NUMBER_INPUT],
        "outputs": {"probabilities": "probabilities"},
        "recipe": "test",
    }
    return Manifest(**{**given, **changes})


def entry_of(
    project: Project,
    model_sha256: str,
    *,
    state: PromiseState = "certified",
    threshold: float = THRESHOLD,
    now: datetime | None = None,
    **changes: Any,
) -> PromiseEntry:
    """A certified promise entry; `changes` go into the certificate."""
    moment = now or utc_now()
    certificate: dict[str, Any] = {
        "target_accuracy": project.promise.target_accuracy,
        "confidence": project.promise.confidence,
        "threshold": threshold,
        "labels": 500,
        "errors": 10,
        "upper_bound": 0.04,
        "attempt": 1,
        "delta": 0.04,
        "digest": certificate_digest(project),
        "model_sha256": model_sha256,
        "population": "pool",
        "certified_at": moment,
    }
    return PromiseEntry(
        state=state,
        threshold=threshold,
        expires_at=moment + timedelta(days=30),
        watched_until=moment + timedelta(hours=6),
        certificate=Certificate(**{**certificate, **changes}),
    )


@dataclass
class Publisher:
    """Writes one project's documents, as review_queue and trainer do."""

    store: Store
    project: Project = field(default_factory=project_of)
    audit_rate: float = 0.0
    audit_day: str | None = None
    entries: dict[str, PromiseEntry] = field(default_factory=dict)
    revision: int = 0

    @property
    def name(self) -> str:
        return self.project.project

    async def put_project(self, project: Project | None = None) -> None:
        """Write project.json."""
        self.project = project or self.project
        await self.store.write_document(project_path(self.name), self.project)

    async def put_version(
        self, version: str, model: bytes | None = None, /, **manifest: Any
    ) -> str:
        """Write a version's folder, manifest last; return the graph's digest."""
        body = model if model is not None else number_graph()
        await self.store.write(model_path(self.name, version), body)
        await self.store.write_document(
            manifest_path(self.name, version), manifest_of(version, body, **manifest)
        )
        return sha256(body)

    async def put_promise(self, **entries: PromiseEntry) -> None:
        """Write promise.json with `entries` added."""
        self.entries.update(entries)
        self.revision += 1
        await self.store.write_document(
            promise_path(self.name),
            PromiseDocument(
                revision=self.revision,
                target_accuracy=self.project.promise.target_accuracy,
                confidence=self.project.promise.confidence,
                audit_rate=self.audit_rate,
                audit_epoch="epoch-1",
                audit_day=self.audit_day,
                versions=self.entries,
            ),
        )

    async def put_champion(
        self,
        version: str | None,
        /,
        *,
        challenger: tuple[str, float] | None = None,
        shadow: Sequence[str] = (),
    ) -> None:
        """Write channels.json; a challenger comes with its share."""
        self.revision += 1
        await self.store.write_document(
            channels_path(self.name),
            Channels(
                revision=self.revision,
                champion=version,
                challenger=challenger and Challenger(version=challenger[0], share=challenger[1]),
                shadow=list(shadow),
            ),
        )

    async def publish(
        self,
        version: str = "v1",
        model: bytes | None = None,
        /,
        *,
        entry: Callable[[str], PromiseEntry | None] | None = None,
        **manifest: Any,
    ) -> str:
        """Write a version, its promise entry (certified unless `entry` says so), the flip."""
        digest = await self.put_version(version, model, **manifest)
        made = entry(digest) if entry is not None else entry_of(self.project, digest)
        await self.put_promise(**({version: made} if made is not None else {}))
        await self.put_champion(version)
        return digest
