"""The trainer's parts on real SQL, store, Redis and HTTP, without the application around them."""

import contextlib
import gzip
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from services.trainer.datasets.service import freeze, load
from services.trainer.ledger.service import LedgerReader
from services.trainer.outcomes.service import read_feed
from services.trainer.pool.rows import parse_ndjson
from services.trainer.pool.service import import_lines
from services.trainer.projects.repository import fresh_state, lock_state
from services.trainer.promise import certification
from services.trainer.promise.certification import Certifier
from services.trainer.recipes.recipe import FittedModel, TrainingData
from services.trainer.recipes.text_linear import fit_text_linear
from services.trainer.resources import Resources, open_resources
from services.trainer.runs import service as runs
from services.trainer.runs.execution import claim
from services.trainer.runs.files import MODEL, Result
from services.trainer.runs.messages import RunRequest
from services.trainer.runs.publication import ActiveRun, publish
from services.trainer.runs.training import held_out
from services.trainer.settings import TrainerSettings
from services.trainer.tables import ProjectState, Run, Version, insert_new
from shared.contracts.base import rfc3339, utc_now
from shared.contracts.projects import Project
from shared.contracts.versions import Channels, PromiseDocument
from shared.settings import CommonSettings
from shared.store import channels_path, project_path, promise_path
from tests.harness import serve
from tests.harness.clock import Clock
from tests.harness.databases import create_tables
from tests.harness.stand_in_queue import StandInQueue
from tests.harness.trainer_and_queue import PROJECT, project_spec, review


@dataclass
class TrainerParts:
    """One project's trainer, taken apart."""

    resources: Resources
    queue: StandInQueue
    certifier: Certifier
    clock: Clock
    project: Project

    async def put_project(self, **changes: Any) -> Project:
        """Store the project, changed, at its next revision."""
        self.project = make_project(self.project.revision + 1, **changes)
        await self.resources.store.write_document(project_path(PROJECT), self.project)
        return self.project

    async def import_reviews(self, numbers: Sequence[int]) -> int:
        """Put reviews into the pool; return how many were new."""
        return await self.import_raw([(f"item-{i}", review(i)) for i in numbers])

    async def import_raw(self, items: Sequence[tuple[str, dict[str, Any]]]) -> int:
        """Put items into the pool; return how many were new."""
        body = b"\n".join(orjson.dumps({"item_id": i, "data": data}) for i, data in items)
        lines = parse_ndjson(body, self.project)
        return (await import_lines(self.resources, self.project, lines)).imported

    async def label(
        self, numbers: Sequence[int], truth: Callable[[dict[str, Any]], str | None]
    ) -> None:
        """Let outcomes of lane `pool` arrive for reviews outside the pool."""
        for i in numbers:
            self.queue.resolve(f"item-{i}", review(i), truth(review(i)))
        await read_feed(self.resources, PROJECT)

    async def publish_version(self, model: bytes | None = None) -> Version:
        """Train on the labels at hand, in this process, and publish; `model` in its place."""
        view = await runs.request(self.resources, self.project, RunRequest(), "tests")
        return await self._publish(view.run_id, model)

    async def train_if_due(self) -> Version | None:
        """Publish a version if enough labels have come since the last one."""
        await runs.start_if_due(self.resources, self.project)
        run_id = await runs.queued(self.resources, PROJECT)
        return None if run_id is None else await self._publish(run_id)

    async def _publish(self, run_id: str, model: bytes | None = None) -> Version:
        claimed = await claim(self.resources, PROJECT, run_id)
        assert claimed is not None
        run, name = claimed
        dataset, position = await freeze(self.resources, self.project)
        rows = await load(self.resources, dataset)
        fitted = _fit(
            tuple(row.data["text"] for row in rows),
            tuple(row.label for row in rows),
            tuple(row.weight for row in rows),
            tuple(self.project.labels),
        )
        result = Result(
            inputs=fitted.inputs,
            output=fitted.output,
            calibration=fitted.calibration,
            metrics=fitted.metrics,
            item_ids=[row.item_id for row in rows],
            scores=fitted.scores.tolist(),
            correct=fitted.correct.tolist(),
            uniform=[row.uniform for row in rows],
            **held_out(fitted, [row.label for row in rows], self.project.labels),
        )
        with tempfile.TemporaryDirectory() as folder:
            active = ActiveRun(run, name, Path(folder))
            active.dataset, active.position = dataset, position
            (active.folder / MODEL).write_bytes(model or fitted.onnx)
            return await publish(self.resources, self.project, active, result)

    async def step(self) -> None:
        """Read the feed, and move the certification on."""
        await read_feed(self.resources, PROJECT)
        await self.certifier.step(self.resources, self.project)
        await self.resources.documents.sync(PROJECT)

    async def certificate(self) -> Any:
        """Return what the API says of the certification."""
        return await certification.describe(self.resources, self.project)

    async def channels(self) -> Channels:
        """Return channels.json."""
        document = await self.resources.store.read_document(channels_path(PROJECT), Channels)
        assert document is not None
        return document

    async def promise(self) -> PromiseDocument:
        """Return promise.json."""
        path = promise_path(PROJECT)
        document = await self.resources.store.read_document(path, PromiseDocument)
        assert document is not None
        return document

    async def log_decisions(
        self, numbers: Sequence[int], name: str = "r-1", **changes: Any
    ) -> None:
        """Ship a file of the decision log, one decision a review."""
        await self.ship([decision(i, self.clock.moment, **changes) for i in numbers], name)

    async def log_items(self, items: dict[str, dict[str, Any]], name: str) -> None:
        """Ship a file of the decision log, one decision an item, given with its data."""
        lines = [
            decision(0, self.clock.moment, item_id=item_id, data=data)
            for item_id, data in items.items()
        ]
        await self.ship(lines, name)

    async def ship(self, lines: Sequence[dict[str, Any]], name: str) -> None:
        """Ship a file of the decision log."""
        day = self.clock.moment.date().isoformat()
        await self.resources.store.write(
            f"{PROJECT}/decisions/{day}/{name}.jsonl.gz",
            gzip.compress(b"\n".join(orjson.dumps(line) for line in lines)),
        )

    async def read_ledger(self) -> int:
        """Read the decision log as a trainer does that has just started."""
        return await LedgerReader().read(self.resources, PROJECT)

    async def set_champion_by_hand(self, version: str | None) -> None:
        """Change the state in SQL alone, as a trainer does that dies before it writes."""
        async with self.resources.database.transaction() as session:
            state = await lock_state(session, PROJECT)
            state.previous, state.champion = state.champion, version

    async def run(self, run_id: str) -> Run:
        """Return a run's record."""
        async with self.resources.database.reading() as session:
            return await session.get_one(Run, run_id)


@cache
def _fit(
    texts: tuple[str, ...],
    labels: tuple[str, ...],
    weights: tuple[float, ...],
    classes: tuple[str, ...],
) -> FittedModel:
    # Many tests train on the same reviews: the same data give the same bytes.
    return fit_text_linear(
        TrainingData(
            rows=[{"text": text} for text in texts],
            labels=list(labels),
            weights=np.array(weights),
            fields=["text"],
            classes=list(classes),
        )
    )


def make_project(revision: int = 1, **changes: Any) -> Project:
    """The project as review_queue stores it."""
    moment = rfc3339(utc_now())
    document = {
        **project_spec(**changes),
        "project": PROJECT,
        "revision": revision,
        "created_at": moment,
        "updated_at": moment,
    }
    return Project.model_validate(document)


def decision(number: int, moment: datetime, **changes: Any) -> dict[str, Any]:
    """A row of the decision log, in review without a model."""
    row: dict[str, Any] = {
        "item_id": f"item-{number}",
        "decision": "in_review",
        "label": None,
        "suggestion": None,
        "confidence": None,
        "probabilities": None,
        "reason": "no_model",
        "audited": False,
        "propensity": 1.0,
        "model_version": None,
        "policy_revision": None,
        "task_id": None,
        "decided_at": rfc3339(moment),
        "data": review(number),
        "metadata": {},
        "review": "auto",
        "received_at": rfc3339(moment),
    }
    return {**row, **changes}


@contextlib.asynccontextmanager
async def open_trainer_parts(
    common: CommonSettings, database_url: str, **changes: Any
) -> AsyncIterator[TrainerParts]:
    """Open a trainer whose review queue is the stand-in."""
    await create_tables("trainer", database_url)
    queue, clock = StandInQueue(), Clock(utc_now())
    async with serve(queue.app()) as base:
        wired = common.model_copy(update={"review_queue_url": base})
        settings = TrainerSettings(database_url=database_url)
        resources = open_resources(wired, settings, clock)
        parts = TrainerParts(resources, queue, Certifier(), clock, make_project(**changes))
        await resources.store.write_document(project_path(PROJECT), parts.project)
        await _seed_pool(resources)
        try:
            async with resources.bells.listening():
                yield parts
        finally:
            await resources.close()


async def _seed_pool(resources: Resources) -> None:
    """Let every test draw the same items from the same pool, so that `_fit` is computed once."""
    state = fresh_state(PROJECT).model_copy(update={"pool_seed": "0" * 32})
    async with resources.database.transaction() as session:
        await insert_new(session, ProjectState, [state.model_dump()])
