"""The check of an uploaded encoder, in a process of its own: the graph may do anything to it."""

import sys
from pathlib import Path
from typing import Any

from services.trainer.recipes.own_encoder import OwnEncoder
from services.trainer.runs import files
from services.trainer.runs.process import report, run_job
from services.trainer.uploads.inspection import inspect
from shared.contracts.versions import ModelInput
from shared.graphs.session import GraphRefused


def check(folder: Path, job: files.CheckJob, _rows: list[dict[str, Any]]) -> files.Result:
    """Check the encoder in `folder`; `metrics["width"]` of the result is a vector's length."""
    model = (folder / files.MODEL).read_bytes()
    try:
        inspect(model)
        report(0.1, "its operators are known")
        inputs = [ModelInput.model_validate(entry) for entry in job.interface["inputs"]]
        encoder = OwnEncoder.open(model, inputs, job.interface["output"], job.specs)
        report(0.5, "it is loaded")
        width = encoder.tried_width()
    except GraphRefused as refused:
        raise files.RunFailed(str(refused), refused.pointer) from refused
    interface = job.interface
    return files.Result(interface["inputs"], interface["output"], metrics={"width": width})


if __name__ == "__main__":
    sys.exit(run_job(files.CheckJob, check))
