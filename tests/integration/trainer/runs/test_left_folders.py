"""Folders of runs, with all training data in them: gone with their runs, however these end."""

from pathlib import Path

from services.trainer.runs import files, service
from services.trainer.runs.execution import claim
from services.trainer.runs.interruption import mark_interrupted
from services.trainer.runs.messages import RunRequest
from services.trainer.tables import Run
from services.trainer.worker import Worker
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.integration.trainer.bench import Bench, open_bench
from tests.integration.trainer.world import PROJECT


async def _begin(bench: Bench) -> Run:
    """Begin a run of another trainer, and give it a folder with data."""
    view = await service.request(bench.resources, bench.project, RunRequest(), "op")
    await claim(bench.resources, PROJECT, view.run_id)
    async with bench.resources.database.transaction() as session:
        run = await session.get_one(Run, view.run_id)
        run.owner = "elsewhere:1:x"
    _fill(_folder(bench, run))
    return run


def _folder(bench: Bench, run: Run) -> Path:
    return bench.resources.runs_folder / run.run_id


def _fill(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / files.DATASET).write_bytes(b"all that people wrote")


async def test_folder_of_a_dead_trainer_goes_when_its_run_is_marked(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url) as bench:
        run = await _begin(bench)
        await mark_interrupted(bench.resources, PROJECT)
        assert _folder(bench, run).exists()
        bench.clock.pass_time(seconds=11)
        await mark_interrupted(bench.resources, PROJECT)
        assert not _folder(bench, run).exists()


async def test_trainer_that_starts_removes_folders_of_runs_that_have_ended(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        run = await _begin(bench)
        ended = bench.resources.runs_folder / "ended"
        _fill(ended)

        async def is_gone() -> bool:
            return not ended.exists()

        async with Worker(bench.resources).working():
            await wait_until(is_gone)
        assert _folder(bench, run).exists()
