"""A stored model that hangs costs its own version the certificate, and the trainer nothing."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import onnx
import pytest
from onnx import TensorProto, helper

from services.router.settings import RouterSettings
from services.trainer.settings import TrainerSettings
from shared.graphs import deadline
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.model_publisher import slow_graph
from tests.harness.trainer_and_queue import truth
from tests.harness.trainer_parts import open_trainer_parts


def endless_model() -> bytes:
    """A model that runs for weeks over any text, as one stored by an older trainer may."""
    model = onnx.load_model_from_string(slow_graph(rounds=10**12))
    one = helper.make_node(
        "LabelEncoder",
        ["text"],
        ["score"],
        domain="ai.onnx.ml",
        keys_strings=["nothing"],
        values_floats=[0.0],
        default_float=1.0,
    )
    model.graph.node.insert(0, one)
    model.graph.input[0].CopyFrom(
        helper.make_tensor_value_info("text", TensorProto.STRING, [None, 1])
    )
    return bytes(model.SerializeToString())


@pytest.mark.thorough
async def test_a_version_that_hangs_is_not_certified_and_the_next_one_is(
    common: CommonSettings, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUREHAND_TRAINER_MODEL_RUN_SECONDS", "3")
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.label(range(1000, 1060), truth)
        await parts.import_reviews(range(100))
        await parts.publish_version(endless_model())
        stepping = asyncio.create_task(parts.step())
        await wait_until(lambda: bool(deadline._under_way))
        # The only thread that other projects share is free meanwhile.
        await asyncio.to_thread(bool)
        assert not stepping.done()
        await stepping
        view = await parts.certificate()
        assert (view.version, view.state) == ("v1", "failed")
        assert view.detail == (
            "not certified: a run of the model of v1 took longer than 3 seconds "
            "(SUREHAND_TRAINER_MODEL_RUN_SECONDS): publish a version that is quick for every item"
        )
        # It is the champion that the next version is compared with.
        await parts.label(range(2000, 2060), truth)
        await parts.publish_version()
        await parts.step()
        parts.queue.answer(truth)
        await parts.step()
        view = await parts.certificate()
        assert (view.version, view.state) == ("v2", "certified")


def test_by_default_a_model_has_as_long_as_at_the_router() -> None:
    router, trainer = RouterSettings(), TrainerSettings()
    assert trainer.model_run_seconds == router.run_seconds
