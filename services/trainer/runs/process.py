"""One training run, as a process: ``python -m services.trainer.runs.process FOLDER PARENT_PID``.

Reads a job from the folder and leaves a result or a fault in it. Standard output says how far it
is; standard error is the log.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.recipes.text_linear import (
    FittedModel,
    ParityError,
    TooFewLabels,
    TrainingData,
    fit_text_linear,
)
from services.trainer.runs import files
from services.trainer.runs.progress import report
from shared.child_limits import die_with_parent, limit

FAILED = 3


def main(folder: Path, parent: int) -> int:
    """Run the job in `folder`; return the exit status."""
    die_with_parent(parent)
    job, rows = files.read_job(folder, files.Job)
    limit(job.memory_mib, job.cpu_seconds)
    report(0.0, f"{len(rows)} labels read")
    try:
        fitted = fit_text_linear(_training_data(job, rows), seed=job.seed, progress=report)
    except (TooFewLabels, ParityError) as error:
        files.write_fault(folder, str(error))
        return FAILED
    except MemoryError:
        files.write_fault(folder, f"the run needs more than its {job.memory_mib} MiB of memory")
        return FAILED
    files.write_model(folder, fitted.onnx)
    files.write_result(folder, _result(fitted, rows))
    report(1.0, "done")
    return 0


def _training_data(job: files.Job, rows: list[dict[str, Any]]) -> TrainingData:
    if not rows:
        raise TooFewLabels("training needs labels; there are none yet")
    return TrainingData(
        texts=[{field: row["data"][field] for field in job.fields} for row in rows],
        labels=[row["label"] for row in rows],
        weights=np.array([row["weight"] for row in rows], dtype=np.float64),
        fields=job.fields,
        classes=job.labels,
    )


def _result(fitted: FittedModel, rows: list[dict[str, Any]]) -> files.Result:
    return files.Result(
        inputs=fitted.inputs,
        output=fitted.output,
        temperature=fitted.temperature,
        metrics=fitted.metrics,
        item_ids=[row["item_id"] for row in rows],
        scores=[float(score) for score in fitted.out_of_fold.scores],
        correct=[bool(right) for right in fitted.out_of_fold.correct],
        uniform=[row["uniform"] for row in rows],
    )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
