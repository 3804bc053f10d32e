"""The whole story: label, train, certify, answer a stream, learn from it; then labels flip."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

from services.demo.change import tell_change
from services.demo.plan import RELEARN_LABELS, Plan, batches, item
from services.demo.report import Report, VersionReport, obstacle
from services.demo.seed import Progress, bring_up, wait_for_certificate, wait_for_version
from services.demo.surehand import PROJECT, DemoFailed
from services.demo.texts import RatedText
from services.demo.workforce import Workforce
from surehand import AsyncSurehand, SurehandError
from surehand.models.promises import Certificate

_BATCH = 25
_LIVE_SECONDS = 60.0
_LOOK_SECONDS = 0.1
OTHER_TARGETS = (0.9, 0.95)


class Live(NamedTuple):
    """When a version began to serve under its certificate, on this machine's clocks."""

    since_verdict: float
    wall: float
    threshold: float


async def tell(
    surehand: AsyncSurehand, workforce: Workforce, plan: Plan, progress: Progress
) -> Report:
    """Run the story, and return what was measured on the way."""
    versions: dict[str, VersionReport] = {}
    async with _watching(surehand, workforce, "v1") as live:
        # More than come: the story itself starts the second training, once all is reviewed. What
        # people answer after the labels flip starts the third.
        certificate = await bring_up(surehand, workforce, plan, RELEARN_LABELS, progress)
        versions["v1"] = await _measured(surehand, workforce, plan, certificate, live)
    async with _watching(surehand, workforce, "v2") as live, workforce.working():
        await _send(surehand, plan.first_stream, versions, progress)
        await wait_for_version(surehand, 2, workforce, progress)
        certificate = await wait_for_certificate(surehand, "v2", progress)
        versions["v2"] = await _measured(surehand, workforce, plan, certificate, live)
        await _send(surehand, plan.second_stream, versions, progress)
    others = {}
    if certificate.result is not None:
        for target in OTHER_TARGETS:
            others[target] = await surehand.promise.certificate(PROJECT, target_accuracy=target)
    promise = (await surehand.model(PROJECT)).promise
    change = None
    if promise.state == "certified":
        async with workforce.working():
            change = await tell_change(surehand, plan.changed, progress)
    return Report(
        target_accuracy=promise.target_accuracy,
        confidence=promise.confidence,
        versions=list(versions.values()),
        others=others,
        skips=workforce.skips,
        change=change,
    )


async def _send(
    surehand: AsyncSurehand,
    texts: list[RatedText],
    versions: dict[str, VersionReport],
    progress: Progress,
) -> None:
    """Send posts, and count each at the version that scored it."""
    sent = 0
    for batch in batches(texts, _BATCH):
        predictions = await surehand.predict(PROJECT, map(item, batch), review="auto")
        for rated, prediction in zip(batch, predictions, strict=True):
            versions[prediction.model_version or ""].count(rated, prediction)
        sent += len(batch)
        progress("stream", sent, len(texts))


async def _measured(
    surehand: AsyncSurehand,
    workforce: Workforce,
    plan: Plan,
    certificate: Certificate,
    live: asyncio.Task[Live],
) -> VersionReport:
    """Measure the version that `certificate` is about; figures of serving only if it serves."""
    name = str(certificate.version)
    version = await surehand.versions.get(PROJECT, name)
    report = VersionReport(name, workforce.verdicts, obstacle(certificate, version))
    if not report.obstacle:
        try:
            async with asyncio.timeout(_LIVE_SECONDS):
                began = await live
        except TimeoutError:
            raise DemoFailed(f"{name} does not serve {_LIVE_SECONDS:.0f} s after its certificate"
                             ) from None  # fmt: skip
        document = certificate.certificate or {}
        certified_at = datetime.fromisoformat(document["certified_at"])
        report.threshold = began.threshold
        report.seconds_verdict_to_live = began.since_verdict
        report.seconds_publish_to_live = began.wall - certified_at.timestamp()
    if "champion" in version.channels:
        report.held_out_accuracy = await _held_out_accuracy(surehand, plan, name)
    return report


async def _held_out_accuracy(surehand: AsyncSurehand, plan: Plan, version: str) -> float:
    """Measure `version`, which serves now, on posts that people are not asked about."""
    right = 0
    for batch in batches(plan.held_out, _BATCH):
        predictions = await surehand.predict(PROJECT, map(item, batch), review="never")
        for rated, prediction in zip(batch, predictions, strict=True):
            if prediction.model_version != version:
                raise DemoFailed(f"{prediction.model_version} answered instead of {version}.")
            right += prediction.suggestion == rated.majority
    return right / len(plan.held_out)


@contextlib.asynccontextmanager
async def _watching(
    surehand: AsyncSurehand, workforce: Workforce, version: str
) -> AsyncIterator[asyncio.Task[Live]]:
    """Look from now on when the router begins to serve `version` under its certificate."""
    task = asyncio.create_task(_certified_live(surehand, workforce, version))
    try:
        yield task
    finally:
        task.cancel()


async def _certified_live(surehand: AsyncSurehand, workforce: Workforce, version: str) -> Live:
    while True:
        with contextlib.suppress(SurehandError):  # there is no project yet
            model = await surehand.model(PROJECT)
            threshold = model.promise.threshold
            serves = model.champion == version and version in model.loaded
            if serves and model.promise.state == "certified" and threshold is not None:
                since_verdict = time.monotonic() - workforce.answered_at
                return Live(since_verdict, time.time(), threshold)
        await asyncio.sleep(_LOOK_SECONDS)
