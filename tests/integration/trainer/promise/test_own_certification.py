"""A version from elsewhere is certified on fresh labels alone, whatever it was trained on."""

import io
from functools import cache
from typing import Any

import numpy as np
import pytest

from services.trainer.promise.what_if import describe_what_if
from services.trainer.recipes.recipe import TrainingData
from services.trainer.recipes.text_linear import fit_text_linear
from services.trainer.registry.messages import VersionView
from services.trainer.runs import service as runs
from services.trainer.runs.service import CertificationOpen
from services.trainer.tables import Version
from services.trainer.uploads.parts import OwnManifest
from services.trainer.uploads.service import add
from shared.contracts.versions import ModelInput
from shared.problems import Conflict
from shared.settings import CommonSettings
from tests.graphs import an_input, index_model
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

pytestmark = pytest.mark.any_database

ELSEWHERE = range(50_000, 50_200)


@cache
def own_model(seed: int = 0) -> tuple[bytes, OwnManifest]:
    """A model that was trained elsewhere, on labels of its own."""
    texts = [review(i + 1000 * seed) for i in ELSEWHERE]
    fitted = fit_text_linear(
        TrainingData(
            rows=texts,
            labels=[truth(text) or "" for text in texts],
            weights=np.ones(len(texts)),
            fields=["text"],
            classes=["negative", "positive"],
        )
    )
    inputs = [ModelInput.model_validate(entry) for entry in fitted.inputs]
    return fitted.onnx, OwnManifest(inputs=inputs, outputs={"probabilities": fitted.output})


async def bring(parts: TrainerParts, own: tuple[bytes, OwnManifest] | None = None) -> VersionView:
    model, manifest = own or own_model()
    return await add(parts.resources, parts.project, manifest, io.BytesIO(model), "op")


async def stored(parts: TrainerParts, version: str) -> Version:
    async with parts.resources.database.reading() as session:
        return await session.get_one(Version, (PROJECT, version))


async def answered(parts: TrainerParts) -> Any:
    """Open what waits, answer it, and return what the API says then."""
    await parts.step()
    parts.queue.answer(truth, "certification")
    await parts.step()
    return await parts.certificate()


async def test_without_a_label_its_own_scores_choose_where_to_ask(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await parts.import_reviews(range(200))
        view = await bring(parts)
        assert (view.version, view.channels) == ("v1", ["champion"])
        assert (await stored(parts, "v1")).tune["scores"] == []
        certificate = await answered(parts)
        assert certificate.state == "certified", certificate
        assert (await parts.promise()).versions["v1"].state == "certified"
        supposed = await describe_what_if(parts.resources, parts.project, 0.9)
        assert supposed.target_accuracy == 0.9


@pytest.mark.thorough
async def test_labels_at_hand_are_not_used_up(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url, training={"min_new_labels": 100}) as parts:
        await parts.label(range(99), truth)
        await bring(parts)
        await parts.label(range(99, 100), truth)
        await runs.start_if_due(parts.resources, parts.project)
        assert await runs.queued(parts.resources, PROJECT) is not None


async def test_labels_at_hand_tune_it_and_are_not_asked_for_again(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training={"min_new_labels": 10**6}) as parts:
        await parts.label(range(150), truth)
        await parts.import_reviews(range(100, 300))
        await bring(parts)
        tune = (await stored(parts, "v1")).tune
        assert sorted(tune["item_ids"]) == sorted(f"item-{i}" for i in range(150))
        assert sum(tune["correct"]) > 140
        assert all(0.5 <= score <= 1 for score in tune["scores"])
        certificate = await answered(parts)
        assert certificate.state == "certified"
        drawn = {
            name for name, task in parts.queue.tasks.items() if task["lane"] == "certification"
        }
        assert not drawn & {f"item-{i}" for i in range(150)}
        # Nothing was trained on: the labels still count towards the next training.
        async with parts.resources.database.reading() as session:
            run = await parts.run((await session.get_one(Version, (PROJECT, "v1"))).run_id)
        assert (run.mode, run.recipe, run.state) == ("upload", "own", "succeeded")


@pytest.mark.thorough
async def test_a_certified_champion_gives_way_only_once_it_is_certified(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.import_reviews(range(300))
        await parts.label(range(1000, 1060), truth)
        await parts.publish_version()
        assert (await answered(parts)).state == "certified"
        view = await bring(parts)
        assert view.gate["publication"]["promote"] is False
        assert (await parts.channels()).champion == "v1"
        assert (await answered(parts)).state == "certified"
        assert (await parts.channels()).champion == "v2"


@pytest.mark.thorough
async def test_a_trained_version_is_compared_with_it_on_labels_that_came_later(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await bring(parts)
        await parts.label(
            range(60), lambda data: "positive" if len(data["text"]) % 3 else "negative"
        )
        version = await parts.publish_version()
        reason = version.gate["publication"]["reasons"][0]
        assert "of 60 items new to both" in reason


@pytest.mark.thorough
async def test_it_waits_while_a_certification_is_open(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.import_reviews(range(200))
        await bring(parts)
        await parts.step()
        with pytest.raises(CertificationOpen):
            await bring(parts)


@pytest.mark.thorough
async def test_the_same_file_is_one_version(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await bring(parts)
        with pytest.raises(Conflict, match="version v1 already"):
            await bring(parts)
        # Another model is another version, and the file that was refused took no number.
        assert (await bring(parts, own_model(seed=1))).version == "v2"


@pytest.mark.thorough
async def test_traffic_from_before_it_came_is_no_evidence(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        # The same labels were frozen before: the snapshot is older than this traffic.
        await bring(parts)
        parts.clock.advance(minutes=1)
        await parts.log_decisions(range(100))
        parts.clock.advance(minutes=1)
        await bring(parts, own_model(seed=1))
        await parts.read_ledger()
        await parts.step()
        certificate = await parts.certificate()
        assert (certificate.version, certificate.state) == ("v2", "waiting")
        assert "traffic has 0 new items" in certificate.detail
        parts.clock.advance(minutes=1)
        await parts.log_decisions(range(200, 300), "r-2")
        await parts.read_ledger()
        await parts.step()
        certificate = await parts.certificate()
        assert certificate.state == "open"
        assert certificate.population["kind"] == "traffic"


@pytest.mark.thorough
async def test_items_that_it_cannot_score_are_not_drawn(
    common: CommonSettings, sqlite_url: str
) -> None:
    fields = {"text": {"type": "number"}}
    kind = an_input("kind", "text", "int64", (-1,))
    manifest = OwnManifest(inputs=[kind], outputs={"probabilities": "probabilities"})
    async with open_trainer_parts(common, sqlite_url, fields=fields) as parts:
        await parts.import_raw([(f"whole-{i}", {"text": i}) for i in range(2)])
        await parts.import_raw([(f"half-{i}", {"text": i + 0.5}) for i in range(100)])
        await bring(parts, (index_model(), manifest))
        await parts.step()
        certificate = await parts.certificate()
        assert certificate.state == "waiting"
        assert "the pool has 2 items" in certificate.detail
