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

_LOOK_SECONDS = 0.1
_STAGE_SECONDS = 240.0


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
    if not await surehand.versions():
        await surehand.ask_for_labels(TRAINING_LABELS)
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
    """Wait until version `number` was published; a failed run ends the wait."""
    before = workforce.verdicts
    for _ in range(int(_STAGE_SECONDS / _LOOK_SECONDS)):
        if any(version["version"] == f"v{number}" for version in await surehand.versions()):
            report("train", 1, 1)
            return
        runs = await surehand.runs()
        failed = [run for run in runs if run["state"] == "failed"]
        if failed and len(runs) >= number + len(failed):
            raise DemoFailed(f"Training failed: {failed[-1]['detail']}")
        report("review", min(workforce.verdicts - before, TRAINING_LABELS), TRAINING_LABELS)
        await asyncio.sleep(_LOOK_SECONDS)
    raise DemoFailed(f"Version v{number} was not trained in {_STAGE_SECONDS:.0f} s.")


async def wait_for_certificate(surehand: Surehand, version: str, report: Progress) -> bool:
    """Wait until `version` is certified (True) or will not be without more labels (False)."""
    for _ in range(int(_STAGE_SECONDS / _LOOK_SECONDS)):
        certificate = await surehand.certificate()
        if certificate["version"] == version:
            if certificate["state"] == "certified":
                report("certify", CERTIFICATION_LABELS, CERTIFICATION_LABELS)
                return True
            if certificate["state"] in {"not_certified", "waiting"}:
                return False
            report("certify", certificate["answered"], max(certificate["drawn"], 1))
        await asyncio.sleep(_LOOK_SECONDS)
    raise DemoFailed(f"The certification of {version} did not end in {_STAGE_SECONDS:.0f} s.")
