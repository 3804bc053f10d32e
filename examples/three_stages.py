"""Three stages of labelling, on real texts and through the public API alone.

1. A pool of social posts: the trainer selects which items people label, trains, and certifies a
   first model.
2. Product and film reviews arrive instead of posts. The drift is found and the promise suspended;
   failing slices are named, people label a relabel plan, and the next version passes the gate.
3. A job labels the rest of a pool under the certificate; people are asked about the other items.

Reviewers are simulated from the ratings that people gave each text. Run it from the repository:
``python -m examples.three_stages`` (some six minutes on two cores, half of that with ``--quick``,
which asks people for fewer labels and promises less). It prints a report, and writes it with a
chart to ``SUREHAND_HOME``.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from examples.stages_data import QUICK, Data, Sizes
from examples.stages_report import Answers, Story
from services.demo.change import is_read, is_training
from services.demo.plan import batches
from services.demo.seed import Progress, wait_for_certificate, wait_for_version
from services.demo.surehand import PROJECT, DemoFailed, connected
from services.demo.texts import RatedText, load_texts
from services.demo.workforce import Workforce
from services.local.demonstration import Told, tell_in_temporary_home
from services.local.home import Home
from services.local.installation import Installation
from services.local.seeding import cache_folder, progress_bars, workforce_of
from shared.home import prepare_home
from shared.settings import CommonSettings, load_settings
from surehand import AsyncSurehand, Conflict, Prediction

STAGES = {
    "label": "1. The pool labels itself",
    "train": "   Training",
    "certify": "   People label blind, for the certificate",
    "review": "   People label",
    "posts": "2. Posts are answered",
    "drift": "   Reviews come instead",
    "relabel": "   The plan is labelled",
    "recover": "   A new version is certified",
    "after": "   It answers",
    "rest": "3. The rest of a pool is labelled",
}
_BATCH = 50
_LOOK_SECONDS = 0.25
_WAIT_SECONDS = 300.0


def project(sizes: Sizes, **labelling: Any) -> dict[str, Any]:
    """Return the project: a promise of 80 % at 95 % confidence, or of less with ``--quick``.

    Film reviews are hard: of a thousand labels a linear model learns to answer few of them.
    """
    return {
        "title": "Positive or negative?",
        "labels": ["negative", "positive"],
        "fields": {"text": {"type": "text", "max_length": 2000}},
        "metadata": ["source"],
        "instructions": "Is the writer's feeling positive or negative? Skip what you cannot tell.",
        "promise": {
            "target_accuracy": sizes.target,
            "certification_labels": sizes.certification,
            "certification_draws": 2,
            "min_population_span_seconds": 0,
        },
        "training": {"recipe": "text-linear", "min_new_labels": sizes.by_version},
        # Of the reserve both versions of the first stage are certified.
        "labelling": {"reserve_rate": 0.65, **labelling},
    }


def item(rated: RatedText) -> dict[str, Any]:
    """Return the text as an item; `source` says where it is from."""
    source = {"review": "product", "film": "film"}.get(rated.id.partition("-")[0], "post")
    return {"item_id": rated.id, "data": {"text": rated.text}, "metadata": {"source": source}}


async def initial(surehand: AsyncSurehand, data: Data, story: Story, report: Progress) -> None:
    """Stage 1: an unlabelled pool becomes a certified model."""
    await surehand.pool.add(PROJECT, map(item, data.pool))
    for _ in range(int(_WAIT_SECONDS / _LOOK_SECONDS)):
        found = await surehand.pool.labelling(PROJECT)
        report("label", min(found.labels, data.sizes.first), data.sizes.first)
        if found.stage == "stopped" and not found.open_items and not await is_training(surehand):
            break
        await asyncio.sleep(_LOOK_SECONDS)
    newest = (await surehand.versions.list(PROJECT).page(limit=1)).items[0].version
    await wait_for_certificate(surehand, newest, report)
    story.first = (await surehand.promise.get(PROJECT)).model_dump(mode="json")
    curve = await surehand.pool.learning_curve(PROJECT)
    story.learning = {"labels": found.labels, **curve.model_dump(mode="json")}


async def fine_tune(
    surehand: AsyncSurehand, workforce: Workforce, data: Data, story: Story, report: Progress
) -> None:
    """Stage 2: the traffic changes; find it, label what was missed, and restore the promise.

    Without a certificate there is no promise to withdraw, and the story ends.
    """
    if story.first["state"] != "certified":
        return
    for batch in batches(data.posts, _BATCH):
        story.under_first.count(batch, await _send(surehand, batch))
        report("posts", story.under_first.sent, len(data.posts))
    # From now on runs are started by hand: the plan's labels are to be in the next version.
    later = project(data.sizes) | {"training": {"recipe": "text-linear", "min_new_labels": 100_000}}
    await surehand.projects.put(PROJECT, later)
    traffic = batches(data.reviews, _BATCH)
    await _until_withdrawn(surehand, story, traffic, report)
    # People cannot label all that comes: these are scored and recorded alone.
    for batch in islice(traffic, 2 * data.sizes.planned // _BATCH):
        await surehand.predict(PROJECT, map(item, batch), review="never")
    await is_read(surehand, batch[-1])
    story.drift = (await surehand.monitoring.drift(PROJECT)).model_dump(mode="json")
    story.slices = (await surehand.monitoring.slices(PROJECT)).model_dump(mode="json")
    await _relabel(surehand, data.sizes.planned, story, report)
    await _renew(surehand, workforce, story, traffic, report)
    for batch in islice(traffic, data.sizes.afterwards // _BATCH):
        for rated, one in zip(batch, await _send(surehand, batch), strict=True):
            part = f"{item(rated)['metadata']['source']} reviews"
            story.after.setdefault(part, Answers()).count([rated], [one])
    report("after", 1, 1)


async def _renew(
    surehand: AsyncSurehand,
    workforce: Workforce,
    story: Story,
    traffic: Iterator[Sequence[RatedText]],
    report: Progress,
) -> None:
    """Train on the plan's labels, and let the version be certified on the traffic that comes."""
    version = (await surehand.runs.wait(PROJECT, await _start_run(surehand))).version
    if version is None:
        raise DemoFailed("Training failed.")
    await wait_for_version(surehand, int(version[1:]), workforce, report)
    await _until_certified(surehand, version, traffic, report)
    story.second = (await surehand.promise.get(PROJECT)).model_dump(mode="json")
    story.gate = (await surehand.versions.get(PROJECT, version)).gate.get("certification", {})
    story.history = [
        one.model_dump(mode="json", by_alias=True)
        async for one in surehand.promise.history(PROJECT)
    ]


async def active(surehand: AsyncSurehand, data: Data, story: Story, report: Progress) -> None:
    """Stage 3: the model labels the rest where it is sure, and asks people where it is not."""
    if (await surehand.model(PROJECT)).promise.state not in {"certified", "warn"}:
        return
    await surehand.pool.add(PROJECT, map(item, data.rest))
    job = await surehand.jobs.autolabel(PROJECT)
    await surehand.jobs.wait(PROJECT, job.job_id)
    truth = {rated.id: rated.majority for rated in data.rest}
    async with surehand.jobs.labels(PROJECT, source="model") as answer:
        rows = [json.loads(line) async for line in answer.aiter_lines()]
    labelled = [one for one in rows if one["item_id"] in truth]
    story.rest = {
        "items": len(data.rest),
        "labelled": len(labelled),
        "wrong": sum(one["label"] != truth[one["item_id"]] for one in labelled),
    }
    report("rest", 1, 1)


async def _until_withdrawn(
    surehand: AsyncSurehand,
    story: Story,
    traffic: Iterator[Sequence[RatedText]],
    report: Progress,
) -> None:
    for batch in traffic:
        predictions = await _send(surehand, batch)
        story.changed.count(batch, predictions)
        if predictions[-1].reason == "promise_suspended":
            report("drift", 1, 1)
            return
        # Traffic no faster than the decision log, as in life.
        await is_read(surehand, batch[-1])
    raise DemoFailed(f"{story.changed.sent} reviews withdrew no promise.")


async def _relabel(surehand: AsyncSurehand, labels: int, story: Story, report: Progress) -> None:
    plan = await surehand.monitoring.plan_relabelling(PROJECT, labels)
    await surehand.monitoring.start_relabelling(PROJECT, plan.plan_id)
    story.plan = plan.model_dump(mode="json")
    for _ in range(int(_WAIT_SECONDS / _LOOK_SECONDS)):
        plan = await surehand.monitoring.relabel_plan(PROJECT, plan.plan_id)
        report("relabel", plan.labelled, plan.items)
        # What every reviewer skips waits for an adjudicator.
        if plan.labelled >= 0.95 * (plan.items - plan.refused):
            report("relabel", plan.items, plan.items)
            return
        await asyncio.sleep(_LOOK_SECONDS)
    raise DemoFailed(f"{plan.labelled} of {plan.items} planned labels came.")


async def _start_run(surehand: AsyncSurehand) -> str:
    """Start a run once no certification is open: one may have begun when drift was found."""
    refused: Conflict | None = None
    for _ in range(int(_WAIT_SECONDS / _LOOK_SECONDS)):
        try:
            return (await surehand.runs.start(PROJECT, mode="fine_tune")).run_id
        except Conflict as conflict:
            refused = conflict
        await asyncio.sleep(_LOOK_SECONDS)
    raise DemoFailed(f"No run was started: {refused}")


async def _until_certified(
    surehand: AsyncSurehand,
    version: str,
    traffic: Iterator[Sequence[RatedText]],
    report: Progress,
) -> None:
    """Send traffic, which the certificate is to be about, until its test has ended."""
    for batch in traffic:
        for _ in range(int(_WAIT_SECONDS / _LOOK_SECONDS)):
            certificate = await surehand.promise.certificate(PROJECT)
            if certificate.state != "open" or certificate.version != version:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        if certificate.version == version and certificate.state in {"certified", "failed"}:
            break
        await _send(surehand, batch)
        await is_read(surehand, batch[-1])
    report("recover", 1, 1)


async def _send(surehand: AsyncSurehand, texts: Sequence[RatedText]) -> list[Prediction]:
    return await surehand.predict(PROJECT, map(item, texts))


async def _tell(sizes: Sizes, installation: Installation, home: Home) -> Told:
    data, story = Data.of(load_texts(cache_folder()), sizes), Story()
    workforce = workforce_of(installation, home, data.all)
    token = installation.tokens["operator"]
    async with connected(installation.addresses, token) as surehand:
        with progress_bars(STAGES) as report:
            asked = {"batch_size": sizes.batch, "most_labels": sizes.first}
            await surehand.projects.put(PROJECT, project(sizes, automatic=True, **asked))
            async with workforce.working():
                await initial(surehand, data, story, report)
                await fine_tune(surehand, workforce, data, story, report)
                await active(surehand, data, story, report)
    picture = prepare_home(load_settings(CommonSettings).home) / "three-stages.svg"
    picture.write_text(story.chart(), encoding="utf-8")
    return story.document(), [*story.lines(), "", f"The chart: {picture}"]


def main() -> int:
    """Run the example; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m examples.three_stages")
    parser.add_argument("--quick", action="store_true", help="fewer labels, a lower promise")
    sizes = QUICK if parser.parse_args().quick else Sizes()
    return tell_in_temporary_home("three-stages", partial(_tell, sizes))


if __name__ == "__main__":
    sys.exit(main())
