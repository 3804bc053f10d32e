"""The script of charts is made by a process, which ends with its console."""

import gc
from pathlib import Path

import psutil
import pytest

from services.console.charts.bundle import Bundle
from tests.harness import wait_until


def making() -> list[psutil.Process]:
    return [
        child for child in psutil.Process().children() if "vl_convert" in " ".join(child.cmdline())
    ]


@pytest.mark.thorough
async def test_a_console_that_closes_ends_the_making_of_the_script(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    bundle.prepare()
    (process,) = await wait_until(making)
    await bundle.close()
    assert not psutil.pid_exists(process.pid)
    # A transport that is still open warns when it is collected, which fails the test.
    gc.collect()
