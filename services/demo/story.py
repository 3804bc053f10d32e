"""The whole story: label, train, certify, answer a stream, learn from it, publish, answer more."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.demo.plan import Plan, item
from services.demo.report import Report, Streamed, VersionReport
from services.demo.seed import (
    Progress,
    bring_up,
    wait_for_certificate,
    wait_for_version,
    working,
)
from services.demo.surehand import DemoFailed, Surehand
from services.demo.tweets import Tweet
from services.demo.workforce import Workforce

_BATCH = 25
_LIVE_SECONDS = 30.0
_LOOK_SECONDS = 0.1
OTHER_TARGETS = (0.95, 0.99)


@dataclass(frozen=True)
class Live:
    """When a version served under its certificate, on this machine's clocks."""

    monotonic: float
    wall: float
    threshold: float


async def tell(surehand: Surehand, workforce: Workforce, plan: Plan, progress: Progress) -> Report:
    """Run the story, and return what was measured on the way."""
    first_live = asyncio.create_task(_certified_live(surehand, "v1"))
    await bring_up(surehand, workforce, plan, progress)
    first = await _measured(surehand, workforce, plan, "v1", await first_live)
    stream = Streamed()
    second_live = asyncio.create_task(_certified_live(surehand, "v2"))
    async with working(workforce):
        await _send(surehand, plan.first_stream, stream, progress)
        await wait_for_version(surehand, 2, workforce, progress)
        if not await wait_for_certificate(surehand, "v2", progress):
            second_live.cancel()
            raise DemoFailed("The second version was not certified on these posts.")
        live = await second_live
    second = await _measured(surehand, workforce, plan, "v2", live)
    async with working(workforce):
        await _send(surehand, plan.second_stream, stream, progress)
    versions = [stream.into(first), stream.into(second)]
    others = [await surehand.certificate(target_accuracy=target) for target in OTHER_TARGETS]
    promise = (await surehand.model())["promise"]
    return Report(
        target_accuracy=promise["target_accuracy"],
        confidence=promise["confidence"],
        versions=versions,
        stream=stream,
        others=dict(zip(OTHER_TARGETS, others, strict=True)),
        skips=workforce.skips,
    )


async def _send(
    surehand: Surehand, tweets: list[Tweet], stream: Streamed, progress: Progress
) -> None:
    sent = 0
    for batch in _batches(tweets):
        predictions = await surehand.predict([item(tweet) for tweet in batch])
        stream.add(batch, predictions)
        sent += len(batch)
        progress("stream", sent, len(tweets))


async def _measured(
    surehand: Surehand, workforce: Workforce, plan: Plan, version: str, live: Live
) -> VersionReport:
    """Measure `version`, which serves now, on posts that nobody labels (`review: never`)."""
    right = 0
    for batch in _batches(plan.held_out):
        predictions = await surehand.predict([item(tweet) for tweet in batch], review="never")
        for tweet, prediction in zip(batch, predictions, strict=True):
            if prediction["model_version"] != version:
                raise DemoFailed(f"{prediction['model_version']} answered instead of {version}.")
            right += prediction["suggestion"] == tweet.majority
    published = await _certified_at(surehand, version)
    return VersionReport(
        version=version,
        held_out_accuracy=right / len(plan.held_out),
        held_out=len(plan.held_out),
        threshold=live.threshold,
        verdicts_used=workforce.verdicts,
        seconds_verdict_to_live=live.monotonic - workforce.answered_at,
        seconds_publish_to_live=live.wall - published,
    )


async def _certified_at(surehand: Surehand, version: str) -> float:
    """When the trainer gave `version` its certificate, in Unix seconds: publication follows."""
    newest = await surehand.certificate()
    if newest["version"] != version or newest["certificate"] is None:
        raise DemoFailed(f"The trainer has no certificate of {version}.")
    return _unix_seconds(newest["certificate"]["certified_at"])


def _unix_seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


async def _certified_live(surehand: Surehand, version: str) -> Live:
    """Wait until the router serves `version` under its certificate."""
    while True:
        try:
            model: dict[str, Any] = await surehand.model()
        except DemoFailed:
            await asyncio.sleep(_LOOK_SECONDS)
            continue
        promise = model["promise"]
        if (
            model["champion"] == version
            and version in model["loaded"]
            and promise["state"] == "certified"
        ):
            return Live(time.monotonic(), time.time(), promise["threshold"])
        await asyncio.sleep(_LOOK_SECONDS)


def _batches(tweets: list[Tweet]) -> Iterator[list[Tweet]]:
    for start in range(0, len(tweets), _BATCH):
        yield tweets[start : start + _BATCH]
