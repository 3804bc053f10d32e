"""Field types: what the review queue loads of them."""

import subprocess
import sys

HEAVY = {"numpy", "PIL", "onnxruntime", "fastapi"}


def test_the_contract_of_fields_loads_nothing_that_runs_models() -> None:
    script = "import sys, shared.contracts.projects; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(found.stdout.split())
