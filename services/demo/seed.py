"""Bring project `demo` up: unlabelled posts, verdicts, a first version and its certificate."""

import asyncio
from collections.abc import Callable
from typing import Any

from services.demo.certification import has_ended
from services.demo.plan import CERTIFICATION_LABELS, TRAINING_LABELS, Plan, item, project
from services.demo.surehand import DemoFailed, Surehand
from services.demo.workforce import Workforce

# A stage's name, how much of it is done, and how much there is.
Progress = Callable[[str, float, float], None]

_LOOK_SECONDS = 0.25
_STAGE_SECONDS = 600.0
_QUIET_SECONDS = 2.0


async def bring_up(
    surehand: Surehand, workforce: Workforce, plan: Plan, later_labels: int, report: Progress
) -> dict[str, Any]:
    """Import, review, train and certify, up to the first version; safe to repeat after a crash.

    Afterwards `later_labels` new labels start the next training. Returns the trainer's document
    about the certificate.

    Raises
    ------
    DemoFailed
        A step did not end as it should. A version that is not certified is no failure.
    """
    await surehand.put_project(project(min_new_labels=TRAINING_LABELS))
    await surehand.import_pool(item(tweet) for tweet in plan.pool)
    report("import", 1, 1)
    still_to_ask = TRAINING_LABELS - await surehand.asked()
    if still_to_ask > 0:
        await surehand.ask_for_labels(still_to_ask)
    async with workforce.working():
        await wait_for_version(surehand, 1, workforce, report)
        certificate = await wait_for_certificate(surehand, "v1", report)
    await surehand.put_project(project(min_new_labels=later_labels))
    return certificate


async def wait_for_version(
    surehand: Surehand, number: int, workforce: Workforce, report: Progress
) -> None:
    """Wait until version `number` was published; a failed run ends the wait.

    Training starts by itself at `min_new_labels`. Fewer may come, as some posts are answered
    without people and some get no label; so the run is requested once nothing is left to review.
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


async def wait_for_certificate(
    surehand: Surehand, version: str, report: Progress
) -> dict[str, Any]:
    """Wait until the certification of `version` has ended, and return the trainer's document."""
    for _ in range(int(_STAGE_SECONDS / _LOOK_SECONDS)):
        certificate = await surehand.certificate()
        if has_ended(certificate, version):
            report("certify", CERTIFICATION_LABELS, CERTIFICATION_LABELS)
            return certificate
        if progress := certificate["progress"]:
            report("certify", progress["answered"], max(progress["drawn"], 1))
        await asyncio.sleep(_LOOK_SECONDS)
    raise DemoFailed(f"The certification of {version} did not end in {_STAGE_SECONDS:.0f} s.")
