"""Bring project `demo` up: unlabelled posts, verdicts, a first version and its certificate."""

import asyncio
import contextlib
from collections.abc import Callable

from services.demo.plan import (
    CERTIFICATION_LABELS,
    OPEN_POSTS,
    TRAINING_LABELS,
    Plan,
    batches,
    item,
    project,
)
from services.demo.surehand import PROJECT, DemoFailed
from services.demo.workforce import Workforce
from surehand import AsyncSurehand, Conflict
from surehand.models.promises import Certificate

# A stage's name, how much of it is done, and how much there is.
Progress = Callable[[str, float, float], None]

_LOOK_SECONDS = 0.25
_STAGE_SECONDS = 600.0
_QUIET_SECONDS = 2.0
_BATCH = 25


async def bring_up(
    surehand: AsyncSurehand, workforce: Workforce, plan: Plan, later_labels: int, report: Progress
) -> Certificate:
    """Import, review, train and certify, up to the first version; safe to repeat after a crash.

    Afterwards `later_labels` new labels start the next training. Returns the certification of
    the first version.

    Raises `DemoFailed`: a step did not end as it should. A version that is not certified is no
    failure.
    """
    await surehand.projects.put(PROJECT, project(min_new_labels=TRAINING_LABELS))
    await surehand.pool.add(PROJECT, map(item, plan.pool))
    report("import", 1, 1)
    still_to_ask = TRAINING_LABELS - (await surehand.pool.counts(PROJECT)).asked
    if still_to_ask > 0:
        # In the random order: then the certificates may draw from all that is left of the pool.
        await surehand.pool.request_labels(PROJECT, still_to_ask, strategy="random")
    async with workforce.working():
        await wait_for_version(surehand, 1, workforce, report)
        certificate = await wait_for_certificate(surehand, "v1", report)
    await surehand.projects.put(PROJECT, project(min_new_labels=later_labels))
    return certificate


async def leave_open(surehand: AsyncSurehand, plan: Plan) -> None:
    """Send new posts until some wait for a person, so that the reviewers' page has work."""
    waiting = 0
    for batch in batches(plan.first_stream, _BATCH):
        if waiting >= OPEN_POSTS:
            return
        predictions = await surehand.predict(PROJECT, map(item, batch))
        waiting += sum(one.decision == "in_review" for one in predictions)


async def wait_for_version(
    surehand: AsyncSurehand, number: int, workforce: Workforce, report: Progress
) -> None:
    """Wait until version `number` was published; a failed run ends the wait.

    Training starts by itself at `min_new_labels`. Fewer may come, as some posts are answered
    without people and some get no label; so the run is requested once nothing is left to review.
    """
    before, quiet = workforce.verdicts, 0
    for _ in range(int(_STAGE_SECONDS / _LOOK_SECONDS)):
        versions = [one.version async for one in surehand.versions.list(PROJECT)]
        if f"v{number}" in versions:
            report("train", 1, 1)
            return
        runs = [run async for run in surehand.runs.list(PROJECT)]
        if failed := [run.detail for run in runs if run.state == "failed"]:
            raise DemoFailed(f"Training failed: {failed[0]}")
        queue = await surehand.queue.get(PROJECT)
        quiet = quiet + 1 if queue.open + queue.leased == 0 else 0
        if quiet * _LOOK_SECONDS > _QUIET_SECONDS and len(runs) < number:
            with contextlib.suppress(Conflict):  # one has begun meanwhile
                await surehand.runs.start(PROJECT)
        report("review", min(workforce.verdicts - before, TRAINING_LABELS), TRAINING_LABELS)
        await asyncio.sleep(_LOOK_SECONDS)
    raise DemoFailed(f"Version v{number} was not trained in {_STAGE_SECONDS:.0f} s.")


async def wait_for_certificate(
    surehand: AsyncSurehand, version: str, report: Progress
) -> Certificate:
    """Wait until the certification of `version` has ended, and return it."""
    for _ in range(int(_STAGE_SECONDS / _LOOK_SECONDS)):
        certificate = await surehand.promise.certificate(PROJECT)
        if has_ended(certificate, version):
            report("certify", CERTIFICATION_LABELS, CERTIFICATION_LABELS)
            return certificate
        if progress := certificate.progress:
            report("certify", progress.answered, max(progress.drawn, 1))
        await asyncio.sleep(_LOOK_SECONDS)
    raise DemoFailed(f"The certification of {version} did not end in {_STAGE_SECONDS:.0f} s.")


def has_ended(certificate: Certificate, version: str) -> bool:
    """Whether the certification of `version` has ended, or lacks posts that will not come.

    Between two draws the newest attempt waits without a detail; a detail says what it lacks.
    """
    if certificate.version != version or certificate.state == "open":
        return False
    return certificate.state != "waiting" or certificate.detail is not None
