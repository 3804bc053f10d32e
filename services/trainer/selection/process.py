"""The process that chooses a batch: it may run a model, so it has limits.

It is started as ``python -m services.trainer.selection.process FOLDER PARENT_PID``, and reads and
writes files of plain data in the folder.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from pydantic import TypeAdapter
from threadpoolctl import threadpool_limits

from services.trainer.selection.choice import pick
from services.trainer.selection.job import MODEL, ROWS, SelectionJob, read_job, write_choice
from services.trainer.selection.representation import represent
from shared.child_limits import die_with_parent, limit
from shared.contracts.versions import Manifest
from shared.fields.types import AnyField
from shared.graphs.graph import Graph
from shared.graphs.rows import FloatArray

_FIELDS = TypeAdapter(dict[str, AnyField])


def choose(job: SelectionJob, rows: list[dict[str, Any]], model: bytes | None = None) -> list[int]:
    """Return the places of the chosen rows among the candidates, best first, no two alike."""
    fields = _FIELDS.validate_python(job.fields)
    points = represent(rows, fields, seed=job.seed)
    covered, candidates = points[: job.covered], points[job.covered :]
    probabilities = None
    if job.strategy == "margin" and model is not None:
        graph = Graph(
            model, Manifest.model_validate(job.manifest), fields, run_seconds=job.run_seconds
        )
        probabilities = _scored(graph, rows[job.covered :], len(job.manifest["labels"]))
    return pick(candidates, covered, job.size, probabilities, seed=job.seed)


def _scored(graph: Graph, rows: list[dict[str, Any]], n_labels: int) -> FloatArray:
    parts = [np.zeros((0, n_labels), dtype=np.float32)]
    parts += [
        graph.run_each(rows[start : start + graph.batch])
        for start in range(0, len(rows), graph.batch)
    ]
    return np.concatenate(parts)


def main() -> int:
    """Do the job in the folder of the command line; return the exit status."""
    folder, parent = Path(sys.argv[1]), int(sys.argv[2])
    die_with_parent(parent)
    job = read_job(folder)
    limit(job.memory_mib, job.cpu_seconds)
    rows = [orjson.loads(line) for line in (folder / ROWS).read_bytes().splitlines()]
    path = folder / MODEL
    with threadpool_limits(limits=1):
        chosen = choose(job, rows, path.read_bytes() if path.exists() else None)
    write_choice(folder, chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
