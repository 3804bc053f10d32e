"""The five lines of the README, as written; and an application with a caller's token."""

import asyncio
import os
import re
import sys
from pathlib import Path

from surehand import AsyncSurehand
from tests.e2e.client.conftest import SPEC, Installation
from tests.harness.processes import ROOT

PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


async def answer_two(installation: Installation, project: str) -> None:
    async with installation.client("reviewer", "rosa") as reviewer:
        for _ in range(2):
            async with reviewer.review(project, wait_seconds=None) as tasks:
                task = await anext(aiter(tasks))
                await task.answer("positive")


async def test_the_five_lines_of_the_readme_work_as_written(
    installation: Installation, client: AsyncSurehand, tmp_path: Path
) -> None:
    await client.projects.put("demo", SPEC)
    (program,) = PYTHON_BLOCK.findall((ROOT / "README.md").read_text())
    inherited = {key: value for key, value in os.environ.items() if key[:9] != "SUREHAND_"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        cwd=tmp_path,
        env={
            **inherited,
            "SUREHAND_HOME": str(installation.home.folder),
            "PYTHONPATH": str(ROOT / "client"),
        },
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(answer_two(installation, "demo"))
        printed, _ = await process.communicate()
    assert printed.decode() == "positive human\n" * 2


async def test_a_callers_token_is_enough_to_resolve(
    installation: Installation, project: str
) -> None:
    async with installation.client("caller", "app") as caller, asyncio.TaskGroup() as group:
        group.create_task(answer_two(installation, project))
        answers = await caller.resolve(project, ["a", "b"], timeout=300)
    assert [(one.label, one.source) for one in answers] == [("positive", "human")] * 2
