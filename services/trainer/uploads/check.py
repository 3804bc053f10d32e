"""The check of an uploaded model, in a process of its own: the model may do anything to it."""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.runs import files
from services.trainer.runs.process import report, run_job
from services.trainer.uploads.inspection import inspect
from shared.contracts.versions import ModelInterface
from shared.graphs.graph import BATCH_SIZE, Graph
from shared.graphs.rows import tops_of
from shared.graphs.session import GraphRefused
from shared.graphs.signature import PROBABILITIES
from shared.graphs.trial import TRIAL_ITEMS, try_on, try_out


def check(folder: Path, job: files.CheckJob, rows: list[dict[str, Any]]) -> files.Result:
    """Check the model in `folder`, and score the labelled `rows` of a dataset with it."""
    try:
        return _check((folder / files.MODEL).read_bytes(), job, rows)
    except GraphRefused as refused:
        raise files.RunFailed(str(refused), refused.pointer) from refused


def _check(model: bytes, job: files.CheckJob, rows: list[dict[str, Any]]) -> files.Result:
    inspect(model)
    report(0.1, "its operators are known")
    interface = ModelInterface.model_validate(job.interface)
    fields = job.specs
    graph = Graph(model, interface, fields)
    report(0.2, "it is loaded")
    try_out(graph, interface, fields)
    real = {f"item {name}": data for name, data in job.samples.items()}
    real |= {f"item {row['item_id']}": row["data"] for row in rows[:TRIAL_ITEMS]}
    taken = {name: data for name, data in real.items() if graph.takes(data)}
    names = list(taken)[:TRIAL_ITEMS]
    try_on(graph, [taken[name] for name in names], names)
    report(0.4, f"it answers, {len(names)} real items included")
    scored = _scored(graph, interface.labels, rows, job.cpu_seconds / 2)
    report(0.9, f"{len(scored['item_ids'])} of {len(rows)} labelled items scored")
    return files.Result(
        inputs=[entry.model_dump(mode="json") for entry in interface.inputs],
        output=interface.outputs[PROBABILITIES],
        **scored,
    )


def _scored(
    graph: Graph, labels: list[str], rows: list[dict[str, Any]], seconds: float
) -> dict[str, Any]:
    """Score labelled rows in a random order until `seconds` of processor time are used up."""
    found: dict[str, Any] = {"item_ids": [], "scores": [], "correct": [], "uniform": []}
    order = np.random.default_rng(0).permutation(len(rows)).tolist()
    for start in range(0, len(rows), BATCH_SIZE):
        if time.process_time() > seconds:
            break
        batch = [rows[i] for i in order[start : start + BATCH_SIZE]]
        tops, scores = tops_of(graph.run_each([row["data"] for row in batch]))
        for row, top, score in zip(batch, tops.tolist(), scores.tolist(), strict=True):
            # An item that the graph cannot score is never answered: it says nothing of answers.
            if top >= 0:
                found["item_ids"].append(row["item_id"])
                found["scores"].append(score)
                found["correct"].append(labels[top] == row["label"])
                found["uniform"].append(row["uniform"])
    return found


if __name__ == "__main__":
    sys.exit(run_job(files.CheckJob, check))
