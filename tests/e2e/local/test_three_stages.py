"""The example of the three stages runs from an unlabelled pool to labels of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.thorough
@pytest.mark.timeout(2_400)
def test_the_three_stages_run_through_public_apis(tmp_path: Path) -> None:
    environment = os.environ | {"SUREHAND_HOME": str(tmp_path), "PYTHONPATH": ".:client"}
    done = subprocess.run(
        [sys.executable, "-m", "examples.three_stages", "--quick"],
        env=environment,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
        timeout=2_300,
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-4_000:]
    told = json.loads((tmp_path / "three-stages-report.json").read_text())
    assert "<svg" in (tmp_path / "three-stages.svg").read_text()
    assert told["learning"]["points"]
    # What people say and which items come is real: a certificate is likely, and no certainty.
    if told["first"]["state"] != "certified":
        return
    assert told["drift"]["level"] in {"drift", "severe"}
    assert "suspended" in [one["to"] for one in told["history"]]
    assert {one["name"] for one in told["plan"]["tranches"]} == {"aligned", "random"}
    under_new = told["after"].values()
    if told["second"]["state"] == "certified":
        assert sum(one["answered"] for one in under_new) > 0
    if told["rest"]:
        assert 0 < told["rest"]["labelled"] < told["rest"]["items"]
