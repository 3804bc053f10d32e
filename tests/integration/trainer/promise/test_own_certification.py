"""A version from elsewhere is certified on fresh labels alone, whatever it was trained on."""

import functools
import io
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
from services.trainer.uploads.messages import OwnManifest
from services.trainer.uploads.service import add
from shared.contracts.versions import ModelInput
from shared.settings import CommonSettings
from tests.graphs import an_input, index_model
from tests.integration.trainer.bench import Bench, open_bench
from tests.integration.trainer.world import PROJECT, review, truth

ELSEWHERE = range(50_000, 50_200)


@functools.cache
def own_model() -> tuple[bytes, OwnManifest]:
    """A model that somebody trained on labels of his own."""
    texts = [review(i) for i in ELSEWHERE]
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


async def bring(bench: Bench, own: tuple[bytes, OwnManifest] | None = None) -> VersionView:
    model, manifest = own or own_model()
    return await add(bench.resources, bench.project, manifest, io.BytesIO(model), "op")


async def stored(bench: Bench, version: str) -> Version:
    async with bench.resources.database.reading() as session:
        return await session.get_one(Version, (PROJECT, version))


async def answered(bench: Bench) -> Any:
    """Open what waits, answer it, and return what the API says then."""
    await bench.step()
    bench.queue.answer(truth, "certification")
    await bench.step()
    return await bench.certificate()


async def test_without_a_label_its_own_word_chooses_where_to_ask(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url) as bench:
        await bench.import_reviews(range(200))
        view = await bring(bench)
        assert (view.version, view.channels) == ("v1", ["champion"])
        assert (await stored(bench, "v1")).tune["scores"] == []
        certificate = await answered(bench)
        assert certificate.state == "certified", certificate
        assert (await bench.promise()).versions["v1"].state == "certified"
        supposed = await describe_what_if(bench.resources, bench.project, 0.9)
        assert supposed.target_accuracy == 0.9


async def test_labels_at_hand_are_not_used_up(common: CommonSettings, sqlite_url: str) -> None:
    async with open_bench(common, sqlite_url, training={"min_new_labels": 100}) as bench:
        await bench.label(range(99), truth)
        await bring(bench)
        await bench.label(range(99, 100), truth)
        await runs.start_if_due(bench.resources, bench.project)
        assert await runs.queued(bench.resources, PROJECT) is not None


async def test_labels_at_hand_tune_it_and_are_not_asked_for_again(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url, training={"min_new_labels": 10**6}) as bench:
        await bench.label(range(150), truth)
        await bench.import_reviews(range(100, 300))
        await bring(bench)
        tune = (await stored(bench, "v1")).tune
        assert sorted(tune["item_ids"]) == sorted(f"item-{i}" for i in range(150))
        assert sum(tune["correct"]) > 140
        assert all(0.5 <= score <= 1 for score in tune["scores"])
        certificate = await answered(bench)
        assert certificate.state == "certified"
        drawn = {
            name for name, task in bench.queue.tasks.items() if task["lane"] == "certification"
        }
        assert not drawn & {f"item-{i}" for i in range(150)}
        # Nothing was trained on: the labels still count towards the next training.
        async with bench.resources.database.reading() as session:
            run = await bench.run((await session.get_one(Version, (PROJECT, "v1"))).run_id)
        assert (run.mode, run.recipe, run.state) == ("upload", "own", "succeeded")


async def test_a_certified_champion_gives_way_only_once_it_is_certified(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await bench.import_reviews(range(300))
        await bench.label(range(1000, 1060), truth)
        await bench.publish_version()
        assert (await answered(bench)).state == "certified"
        view = await bring(bench)
        assert view.gate["publication"]["promote"] is False
        assert (await bench.channels()).champion == "v1"
        assert (await answered(bench)).state == "certified"
        assert (await bench.channels()).champion == "v2"


async def test_a_trained_version_is_compared_with_it_on_labels_that_came_later(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await bring(bench)
        await bench.label(
            range(60), lambda data: "positive" if len(data["text"]) % 3 else "negative"
        )
        version = await bench.publish_version()
        reason = version.gate["publication"]["reasons"][0]
        assert "of 60 items new to both" in reason


async def test_it_waits_while_a_certification_is_open(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await bench.import_reviews(range(200))
        await bring(bench)
        await bench.step()
        with pytest.raises(CertificationOpen):
            await bring(bench)


async def test_traffic_from_before_it_came_is_no_evidence(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        # The same labels were frozen before: the snapshot is older than this traffic.
        await bring(bench)
        bench.clock.pass_time(minutes=1)
        await bench.log_decisions(range(100))
        bench.clock.pass_time(minutes=1)
        await bring(bench)
        await bench.read_ledger()
        await bench.step()
        certificate = await bench.certificate()
        assert (certificate.version, certificate.state) == ("v2", "waiting")
        assert "traffic has 0 new items" in certificate.detail
        bench.clock.pass_time(minutes=1)
        await bench.log_decisions(range(200, 300), "r-2")
        await bench.read_ledger()
        await bench.step()
        certificate = await bench.certificate()
        assert certificate.state == "open"
        assert certificate.population["kind"] == "traffic"


async def test_items_that_it_cannot_score_are_not_drawn(
    common: CommonSettings, sqlite_url: str
) -> None:
    fields = {"text": {"type": "number"}}
    kind = an_input("kind", "text", "int64", (-1,))
    manifest = OwnManifest(inputs=[kind], outputs={"probabilities": "probabilities"})
    async with open_bench(common, sqlite_url, fields=fields) as bench:
        await bench.import_raw([(f"whole-{i}", {"text": i}) for i in range(2)])
        await bench.import_raw([(f"half-{i}", {"text": i + 0.5}) for i in range(100)])
        await bring(bench, (index_model(), manifest))
        await bench.step()
        certificate = await bench.certificate()
        assert certificate.state == "waiting"
        assert "the pool has 2 items" in certificate.detail
