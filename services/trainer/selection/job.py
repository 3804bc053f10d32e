"""The files by which the service and the process that chooses a batch speak, in one folder.

The service imports these without what the process needs: scikit-learn takes a second to import.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

ROWS, MODEL = "rows.jsonl", "model.onnx"
_JOB, _CHOICE = "job.json", "choice.json"


@dataclass(frozen=True, kw_only=True)
class SelectionJob:
    """Choose `size` of the rows after the first `covered`, which people have labelled already.

    Attributes
    ----------
    fields : the project's, by name, as JSON
    strategy : typiclust or margin
    manifest : of the model in the folder, for margin
    """

    size: int
    covered: int
    strategy: str
    seed: int
    fields: dict[str, dict[str, Any]]
    memory_mib: int
    cpu_seconds: int
    run_seconds: float
    manifest: dict[str, Any] = field(default_factory=dict)


def write_job(folder: Path, job: SelectionJob) -> None:
    """Put a job beside its rows."""
    (folder / _JOB).write_bytes(orjson.dumps(vars(job)))


def read_job(folder: Path) -> SelectionJob:
    """Return the job that `write_job` put there."""
    return SelectionJob(**orjson.loads((folder / _JOB).read_bytes()))


def write_choice(folder: Path, chosen: list[int]) -> None:
    """Put the places of the chosen rows there."""
    (folder / _CHOICE).write_bytes(orjson.dumps(chosen))


def read_choice(folder: Path) -> list[int] | None:
    """Return the places of the chosen rows among the candidates; None if the process left none."""
    path = folder / _CHOICE
    return list(orjson.loads(path.read_bytes())) if path.exists() else None
