"""Prometheus's own checks of metrics and rules."""

import os
import shutil
import subprocess
from pathlib import Path


def promtool(*arguments: str | Path, text: str | None = None) -> str:
    """Run promtool, with `text` as its input; return what it printed, and fail if it failed."""
    path = os.environ.get("PROMTOOL") or shutil.which("promtool")
    assert path, "run tests/system-packages.sh first"
    done = subprocess.run(
        [path, *arguments], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    return printed
