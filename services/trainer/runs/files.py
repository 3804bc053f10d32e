"""Input and output of a run's process: files of plain data, no pickles."""

import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import TypeAdapter

from shared.fields.types import AnyField

DATASET = "dataset.jsonl.gz"
_JOB = "job.json"
MODEL = "model.onnx"
ENCODER = "encoder.onnx"
_RESULT = "result.json"
_FAULT = "fault.json"
_FIELDS = TypeAdapter(dict[str, AnyField])


class RunFailed(Exception):  # noqa: N818 - named as the house names its problems
    """The run makes no version; the message says why, for people.

    `pointer` is the place in what was sent that is at fault; empty when nothing was sent.
    """

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.pointer = pointer


@dataclass(frozen=True, kw_only=True)
class ProcessWork:
    """The work of a process, and its limits; `fields` are the project's, by name, as JSON."""

    memory_mib: int
    cpu_seconds: int
    fields: dict[str, dict[str, Any]]

    @property
    def specs(self) -> dict[str, AnyField]:
        """The project's fields."""
        return _FIELDS.validate_python(self.fields)


@dataclass(frozen=True, kw_only=True)
class TrainingJob(ProcessWork):
    """Train with the recipe at `recipe`, a ``module:object``.

    `terms` are those of a certification, by which `auto` compares recipes for up to `auto_seconds`.
    `older` is how much labels from before the last change count; None lets the run find out.
    `encoder` describes the project's own one, whose graph is in the folder, where the recipe learns
    on it.
    """

    recipe: str
    labels: list[str]
    seed: int
    terms: dict[str, Any] = field(default_factory=dict)
    auto_seconds: float = 900.0
    older: float | None = None
    encoder: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class CheckJob(ProcessWork):
    """Check a model from elsewhere.

    Attributes
    ----------
    interface : a `ModelInterface`
    samples : data of unlabelled items by their ids
    """

    interface: dict[str, Any]
    samples: dict[str, dict[str, Any]]


AnyJob = TypeVar("AnyJob", bound=ProcessWork)


@dataclass(frozen=True)
class Result:
    """The output of a process, beside the model file.

    `item_ids`, `scores`, `correct` and `uniform` have one entry an out-of-fold prediction, or one
    a prediction of a model from elsewhere. `calibration` is empty when nothing was calibrated.
    `labels`, `predicted` and `label_scores` (the probability of the label) likewise, but they are
    empty for a model from elsewhere. `report` is the recipe's (`FittedModel`).
    """

    inputs: list[dict[str, Any]]
    output: str
    calibration: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    item_ids: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    correct: list[bool] = field(default_factory=list)
    uniform: list[bool] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    predicted: list[str] = field(default_factory=list)
    label_scores: list[float] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)


def write_job(folder: Path, job: ProcessWork, dataset: bytes) -> None:
    """Put a job and its compressed dataset into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DATASET).write_bytes(dataset)
    (folder / _JOB).write_bytes(orjson.dumps(vars(job)))


def read_job(folder: Path, kind: type[AnyJob]) -> tuple[AnyJob, list[dict[str, Any]]]:
    """Return the job and the rows of its dataset."""
    job = kind(**orjson.loads((folder / _JOB).read_bytes()))
    lines = gzip.decompress((folder / DATASET).read_bytes()).splitlines()
    return job, [orjson.loads(line) for line in lines]


def write_result(folder: Path, result: Result) -> None:
    """Write the result, after the model."""
    (folder / _RESULT).write_bytes(orjson.dumps(vars(result)))


def write_fault(folder: Path, fault: RunFailed) -> None:
    """Say why there is no result."""
    (folder / _FAULT).write_bytes(orjson.dumps([str(fault), fault.pointer]))


def read_result(folder: Path) -> Result | None:
    """Return the result, None when the process left none; raise the `RunFailed` that it left."""
    result, fault = folder / _RESULT, folder / _FAULT
    if fault.exists():
        raise RunFailed(*orjson.loads(fault.read_bytes()))
    return Result(**orjson.loads(result.read_bytes())) if result.exists() else None
