"""Bring project `demo` up: unlabelled posts, people's verdicts, a first certified version."""

import asyncio
from collections.abc import Callable

from services.demo.plan import (
    CERTIFICATION_LABELS,
    MORE_LABELS,
    TRAINING_LABELS,
    Plan,
    item,
    project,
)
from services.demo.surehand import DemoFailed, Surehand
from services.demo.workforce import Workforce

# A stage's name, how much of it is done, and how much there is.
Progress = Callable[[str, float, float], None]

_LOOK_SECONDS = 0.25
_STAGE_SECONDS = 240.0
_POPULATION_SECONDS = 20.0
_QUIET_SECONDS = 2.0


async def bring_up(surehand: Surehand, workforce: Workforce, plan: Plan, report: Progress) -> None:
    """Import, review, train and certify, up to the first version; safe to repeat after a crash.

    Afterwards `min_new_labels` is what a stream of posts brings together.

    Raises
    ------
    DemoFailed
        A step did not end as it should.
    """
    await surehand.put_project(project(min_new_labels=TRAINING_LABELS))
    await surehand.import_pool(item(tweet) for tweet in plan.pool)
    report("import", 1, 1)
    still_to_ask = TRAINING_LABELS - await surehand.asked()
    if still_to_ask > 0:
        await surehand.ask_for_labels(still_to_ask)
    async with working(workforce):
        await wait_for_version(surehand, 1, workforce, report)
        await wait_for_certificate(surehand, "v1", report)
    await surehand.put_project(project(min_new_labels=MORE_LABELS))


class working:  # noqa: N801 - reads as a verb: `async with working(workforce)`
    """Let a workforce work while the block lasts; its failure ends the block."""

    def __init__(self, workforce: Workforce) -> None:
        self.workforce = workforce
        self.until = asyncio.Event()

    async def __aenter__(self) -> None:
        self.task = asyncio.create_task(self.workforce.work(self.until))

    async def __aexit__(self, *_: object) -> None:
        self.until.set()
        await self.task


async def wait_for_version(
    surehand: Surehand, number: int, workforce: Workforce, report: Progress
) -> None:
    """Wait until version `number` was published; a failed run ends the wait.

    Training starts by itself at `min_new_labels`. A few posts get no label, as nobody could tell;
    so once nothing is left to review, the run is asked for.
    """
    before, quiet = workforce.verdicts, 0
    for _ in range(int(_STAGE_SECONDS / _LOOK_SECONDS)):
        if any(version["version"] == f"v{number}" for version in await surehand.versions()):
            report("train", 1, 1)
            return
        runs = await surehand.runs()
        if failed := [run["detail"] for run in runs if run["state"] == "failed"]:
            raise DemoFailed(f"Training failed: {failed[0]}")
        quiet = quiet + 1 if await surehand.waiting_tasks() == 0 else 0
        if quiet * _LOOK_SECONDS > _QUIET_SECONDS and len(runs) < number:
            await surehand.start_run()
        report("review", min(workforce.verdicts - before, TRAINING_LABELS), TRAINING_LABELS)
        await asyncio.sleep(_LOOK_SECONDS)
    raise DemoFailed(f"Version v{number} was not trained in {_STAGE_SECONDS:.0f} s.")


async def wait_for_certificate(surehand: Surehand, version: str, report: Progress) -> bool:
    """Wait until `version` is certified (True) or will not be without more labels (False)."""
    waiting = 0
    for _ in range(int(_STAGE_SECONDS / _LOOK_SECONDS)):
        certificate = await surehand.certificate()
        if certificate["version"] == version:
            state = certificate["state"]
            if state == "certified":
                report("certify", CERTIFICATION_LABELS, CERTIFICATION_LABELS)
                return True
            # Between two draws it waits for a moment; a population that lacks items, for good.
            waiting = waiting + 1 if state == "waiting" else 0
            is_last = certificate["attempt"] == certificate["attempts_allowed"]
            if waiting * _LOOK_SECONDS > _POPULATION_SECONDS or (state == "failed" and is_last):
                return False
            if progress := certificate["progress"]:
                report("certify", progress["answered"], max(progress["drawn"], 1))
        await asyncio.sleep(_LOOK_SECONDS)
    raise DemoFailed(f"The certification of {version} did not end in {_STAGE_SECONDS:.0f} s.")
