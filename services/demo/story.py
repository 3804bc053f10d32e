"""The whole story: label, train, certify, answer a stream, learn from it; then labels flip."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, NamedTuple

from services.demo.change import tell_change
from services.demo.plan import TRAINING_LABELS, Plan, item
from services.demo.report import Report, VersionReport, obstacle
from services.demo.seed import Progress, bring_up, wait_for_certificate, wait_for_version
from services.demo.surehand import PROJECT, DemoFailed, Surehand
from services.demo.texts import RatedText
from services.demo.workforce import Workforce

_BATCH = 25
_LIVE_SECONDS = 60.0
_LOOK_SECONDS = 0.1
OTHER_TARGETS = (0.9, 0.95)


class Live(NamedTuple):
    """When a version began to serve under its certificate, on this machine's clocks."""

    since_verdict: float
    wall: float
    threshold: float


async def tell(surehand: Surehand, workforce: Workforce, plan: Plan, progress: Progress) -> Report:
    """Run the story, and return what was measured on the way."""
    versions: dict[str, VersionReport] = {}
    async with _watching(surehand, workforce, "v1") as live:
        # More than come: the story itself starts the second training, once all is reviewed. What
        # people answer after the labels flip starts the third.
        certificate = await bring_up(surehand, workforce, plan, TRAINING_LABELS, progress)
        versions["v1"] = await _measured(surehand, workforce, plan, certificate, live)
    async with _watching(surehand, workforce, "v2") as live, workforce.working():
        await _send(surehand, plan.first_stream, versions, progress)
        await wait_for_version(surehand, 2, workforce, progress)
        certificate = await wait_for_certificate(surehand, "v2", progress)
        versions["v2"] = await _measured(surehand, workforce, plan, certificate, live)
        await _send(surehand, plan.second_stream, versions, progress)
    others = {}
    if certificate["result"] is not None:
        for target in OTHER_TARGETS:
            query = {"target_accuracy": target}
            answer = await surehand.trainer.get(f"{PROJECT}/certificate", params=query)
            others[target] = answer.json()
    promise = (await surehand.router.get(f"{PROJECT}/model")).json()["promise"]
    change = None
    if promise["state"] == "certified":
        async with workforce.working():
            change = await tell_change(surehand, plan.changed, progress)
    return Report(
        target_accuracy=promise["target_accuracy"],
        confidence=promise["confidence"],
        versions=list(versions.values()),
        others=others,
        skips=workforce.skips,
        change=change,
    )


async def _send(
    surehand: Surehand,
    texts: list[RatedText],
    versions: dict[str, VersionReport],
    progress: Progress,
) -> None:
    """Send posts, and count each at the version that scored it."""
    sent = 0
    async for batch, predictions in _predicted(surehand, texts, "auto"):
        for rated, prediction in zip(batch, predictions, strict=True):
            versions[prediction["model_version"]].count(rated, prediction)
        sent += len(batch)
        progress("stream", sent, len(texts))


async def _predicted(
    surehand: Surehand, texts: list[RatedText], review: str
) -> AsyncIterator[tuple[list[RatedText], list[dict[str, Any]]]]:
    """Yield the posts batch by batch, each with its predictions."""
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        body = {"items": [item(rated) for rated in batch], "review": review}
        answer = await surehand.router.post(f"{PROJECT}/predict", json=body)
        yield batch, answer.json()["predictions"]


async def _measured(
    surehand: Surehand,
    workforce: Workforce,
    plan: Plan,
    certificate: dict[str, Any],
    live: asyncio.Task[Live],
) -> VersionReport:
    """Measure the version that `certificate` is about; figures of serving only if it serves."""
    name = certificate["version"]
    version = (await surehand.trainer.get(f"{PROJECT}/versions/{name}")).json()
    report = VersionReport(name, workforce.verdicts, obstacle(certificate, version))
    if not report.obstacle:
        try:
            began = await asyncio.wait_for(live, _LIVE_SECONDS)
        except TimeoutError:
            raise DemoFailed(f"{name} does not serve {_LIVE_SECONDS:.0f} s after its certificate"
                             ) from None  # fmt: skip
        certified_at = datetime.fromisoformat(certificate["certificate"]["certified_at"])
        report.threshold = began.threshold
        report.seconds_verdict_to_live = began.since_verdict
        report.seconds_publish_to_live = began.wall - certified_at.timestamp()
    if "champion" in version["channels"]:
        report.held_out_accuracy = await _held_out_accuracy(surehand, plan, name)
    return report


async def _held_out_accuracy(surehand: Surehand, plan: Plan, version: str) -> float:
    """Measure `version`, which serves now, on posts that people are not asked about."""
    right = 0
    async for batch, predictions in _predicted(surehand, plan.held_out, "never"):
        for rated, prediction in zip(batch, predictions, strict=True):
            if prediction["model_version"] != version:
                raise DemoFailed(f"{prediction['model_version']} answered instead of {version}.")
            right += prediction["suggestion"] == rated.majority
    return right / len(plan.held_out)


@contextlib.asynccontextmanager
async def _watching(
    surehand: Surehand, workforce: Workforce, version: str
) -> AsyncIterator[asyncio.Task[Live]]:
    """Look from now on when the router begins to serve `version` under its certificate."""
    task = asyncio.create_task(_certified_live(surehand, workforce, version))
    try:
        yield task
    finally:
        task.cancel()


async def _certified_live(surehand: Surehand, workforce: Workforce, version: str) -> Live:
    while True:
        with contextlib.suppress(DemoFailed):  # there is no project yet
            model = (await surehand.router.get(f"{PROJECT}/model")).json()
            promise = model["promise"]
            serves = model["champion"] == version and version in model["loaded"]
            if serves and promise["state"] == "certified":
                since_verdict = time.monotonic() - workforce.answered_at
                return Live(since_verdict, time.time(), promise["threshold"])
        await asyncio.sleep(_LOOK_SECONDS)
