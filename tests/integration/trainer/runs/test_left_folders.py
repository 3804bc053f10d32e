"""Folders of runs, with all training data in them: gone with their runs, however these end."""

from pathlib import Path

import pytest

from services.trainer.runs import files, service
from services.trainer.runs.execution import claim
from services.trainer.runs.interruption import mark_interrupted
from services.trainer.runs.messages import RunRequest
from services.trainer.tables import Run
from services.trainer.worker import Worker
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.trainer_and_queue import PROJECT
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

pytestmark = pytest.mark.any_database


async def _begin(parts: TrainerParts) -> Run:
    """Begin a run of another trainer, and give it a folder with data."""
    view = await service.request(parts.resources, parts.project, RunRequest(), "op")
    await claim(parts.resources, PROJECT, view.run_id)
    async with parts.resources.database.transaction() as session:
        run = await session.get_one(Run, view.run_id)
        run.owner = "elsewhere:1:x"
    _fill(_folder(parts, run))
    return run


def _folder(parts: TrainerParts, run: Run) -> Path:
    return parts.resources.runs_folder / run.run_id


def _fill(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / files.DATASET).write_bytes(b"all that people wrote")


async def test_folder_of_a_dead_trainer_goes_when_its_run_is_marked(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        run = await _begin(parts)
        await mark_interrupted(parts.resources, PROJECT)
        assert _folder(parts, run).exists()
        parts.clock.advance(seconds=11)
        await mark_interrupted(parts.resources, PROJECT)
        assert not _folder(parts, run).exists()


async def test_trainer_that_starts_removes_folders_of_runs_that_have_ended(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        run = await _begin(parts)
        ended = parts.resources.runs_folder / "ended"
        _fill(ended)

        async def is_gone() -> bool:
            return not ended.exists()

        async with Worker(parts.resources).working():
            await wait_until(is_gone)
        assert _folder(parts, run).exists()
