"""What goes into a training process and what comes out: files of plain data, no pickles."""

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

DATASET = "dataset.jsonl.gz"
JOB = "job.json"
MODEL = "model.onnx"
RESULT = "result.json"
FAULT = "fault.json"
LOG = "log.txt"


@dataclass(frozen=True)
class Job:
    """What a training process is to do, within which limits."""

    recipe: str
    labels: list[str]
    fields: list[str]
    seed: int
    memory_mib: int
    cpu_seconds: int


@dataclass(frozen=True)
class Result:
    """What a training process made, beside the model file.

    `item_ids`, `scores`, `correct` and `uniform` have one entry an out-of-fold prediction.
    """

    inputs: list[dict[str, Any]]
    output: str
    temperature: float
    metrics: dict[str, float]
    item_ids: list[str]
    scores: list[float]
    correct: list[bool]
    uniform: list[bool]


def write_job(folder: Path, job: Job, dataset: bytes) -> None:
    """Put a job and its compressed dataset into an empty `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DATASET).write_bytes(dataset)
    (folder / JOB).write_bytes(orjson.dumps(vars(job)))


def read_job(folder: Path) -> tuple[Job, list[dict[str, Any]]]:
    """Return the job and the rows of its dataset."""
    job = Job(**orjson.loads((folder / JOB).read_bytes()))
    lines = gzip.decompress((folder / DATASET).read_bytes()).splitlines()
    return job, [orjson.loads(line) for line in lines]


def write_result(folder: Path, model: bytes, result: Result) -> None:
    """Put the model down first: a result is complete."""
    (folder / MODEL).write_bytes(model)
    (folder / RESULT).write_bytes(orjson.dumps(vars(result)))


def read_result(folder: Path) -> tuple[bytes, Result] | None:
    """Return the model and the result; None when the process left none."""
    if not (folder / RESULT).exists():
        return None
    result = Result(**orjson.loads((folder / RESULT).read_bytes()))
    return (folder / MODEL).read_bytes(), result


def write_fault(folder: Path, detail: str) -> None:
    """Say why there is no result."""
    (folder / FAULT).write_bytes(orjson.dumps({"detail": detail}))


def read_fault(folder: Path) -> str | None:
    """Return why there is no result, None when the process could not say."""
    path = folder / FAULT
    return str(orjson.loads(path.read_bytes())["detail"]) if path.exists() else None
