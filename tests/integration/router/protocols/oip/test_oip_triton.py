"""NVIDIA's own client talks to the router, unchanged.

It runs in a thread of its own: its event loop is gevent's.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.harness.model_publisher import SURE, UNSURE, Publisher, number_graph
from tests.integration.router.conftest import OpenRouter, ServedRouter
from tests.integration.router.oip import mixed_world


class Triton:
    """A client with a caller's token. A call's headers are its own: the client adds to them."""

    def __init__(self, url: str, token: str) -> None:
        # Half a second that only these tests pay for.
        import tritonclient.http as library  # noqa: PLC0415

        self.library = library
        self.token = token
        self.client = library.InferenceServerClient(url.removeprefix("http://").rstrip("/"))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.client, name)

        def call(*args: Any, **options: Any) -> Any:
            return method(*args, headers={"Authorization": f"Bearer {self.token}"}, **options)

        return call

    def tensor(self, name: str, array: Any, *, binary: bool = True) -> Any:
        """An input of the array's shape and type."""
        from tritonclient.utils import np_to_triton_dtype  # noqa: PLC0415

        made = self.library.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
        return made.set_data_from_numpy(array, binary_data=binary)

    def output(self, name: str, *, binary: bool = True) -> Any:
        """A request for an output."""
        return self.library.InferRequestedOutput(name, binary_data=binary)

    def refusal(self, call: Callable[[], Any]) -> tuple[str, str]:
        """Status and message of what the call raises."""
        from tritonclient.utils import InferenceServerException  # noqa: PLC0415

        with pytest.raises(InferenceServerException) as refusal:
            call()
        return refusal.value.status(), refusal.value.message()


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """Import the client once, outside any test's time."""
    import tritonclient.http  # noqa: F401, PLC0415


async def speaking(
    served: ServedRouter, talk: Callable[[Triton], None], role: Any = "caller"
) -> None:
    """Let `talk` speak to the router through the client."""

    def run() -> None:
        import gevent  # noqa: PLC0415

        triton = Triton(str(served.caller.base_url), served.keys.issue(role, "triton"))
        try:
            talk(triton)
        finally:
            triton.client.close()
            gevent.get_hub().destroy()

    await asyncio.to_thread(run)


async def test_it_finds_server_and_model(served: ServedRouter) -> None:
    def talk(triton: Triton) -> None:
        assert triton.is_server_live()
        assert triton.is_server_ready()
        assert triton.is_model_ready("shop")
        assert triton.is_model_ready("shop", "v1")
        assert not triton.is_model_ready("shop", "v9")
        assert not triton.is_model_ready("nowhere")
        assert "binary_tensor_data" in triton.get_server_metadata()["extensions"]
        model = triton.get_model_metadata("shop")
        assert (model["name"], model["versions"], model["platform"]) == (
            "shop",
            ["v1"],
            "onnx_onnxv1",
        )
        assert model["inputs"] == [{"name": "score", "datatype": "FP32", "shape": [-1, 1]}]
        assert model["outputs"][1] == {
            "name": "probabilities",
            "datatype": "FP32",
            "shape": [-1, 2],
        }
        assert [entry["state"] for entry in triton.get_model_repository_index()] == ["READY"]

    await speaking(served, talk)


async def test_it_infers_in_each_combination_of_forms(served: ServedRouter) -> None:
    rows = np.array([[SURE], [UNSURE], [-SURE]], dtype=np.float32)

    def talk(triton: Triton) -> None:
        found = []
        for binary_in in (True, False):
            for binary_out in (True, False):
                result = triton.infer(
                    "shop",
                    [triton.tensor("score", rows, binary=binary_in)],
                    outputs=[
                        triton.output("label", binary=binary_out),
                        triton.output("probabilities", binary=binary_out),
                    ],
                    request_id="7",
                )
                assert result.get_response()["id"] == "7"
                labels = [
                    label.decode() if binary_out else label for label in result.as_numpy("label")
                ]
                assert labels == ["positive", "positive", "negative"]
                found.append(result.as_numpy("probabilities"))
                assert found[-1].shape == (3, 2)
        assert all(np.array_equal(found[0], other) for other in found[1:])

    await speaking(served, talk)


async def test_without_a_word_on_outputs_it_gets_all_of_them(served: ServedRouter) -> None:
    def talk(triton: Triton) -> None:
        rows = triton.tensor("score", np.array([SURE], dtype=np.float32))
        result = triton.infer("shop", [rows], request_compression_algorithm="gzip")
        assert result.as_numpy("label").tolist() == [b"positive"]
        assert result.as_numpy("surehand_decision").tolist() == [b""]
        assert result.as_numpy("surehand_confidence")[0] == result.as_numpy("probabilities")[0, 1]

    await speaking(served, talk)


async def test_it_sends_strings_and_floats_and_gets_the_graphs_own_outputs(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    words = np.array(["good", "naïve ✓", "bad"], dtype=object)
    point = np.array([[1, 1], [0.5, 0], [0, 0]], dtype=np.float64)

    def talk(triton: Triton) -> None:
        for binary in (True, False):
            result = triton.infer(
                "shop",
                [
                    triton.tensor("words", words, binary=binary),
                    triton.tensor("point", point, binary=binary),
                ],
                outputs=[triton.output(name) for name in ("logits", "word", "echo", "label")],
            )
            assert result.as_numpy("logits").tolist() == [[0, 6], [0, 0.5], [0, -4]]
            assert result.as_numpy("word").ravel().tolist() == [4, 0, -4]
            assert [text.decode() for text in result.as_numpy("echo").ravel()] == list(words)
            assert result.as_numpy("label").tolist() == [b"positive", b"positive", b"negative"]

    async with mixed_world(open_router, publisher, queue_url) as served:
        await speaking(served, talk)


async def test_it_names_a_version(served: ServedRouter) -> None:
    await served.publisher.put_version("v2", number_graph(slope=-1.0))

    def talk(triton: Triton) -> None:
        rows = triton.tensor("score", np.array([SURE], dtype=np.float32))
        labels = {
            version: triton.infer("shop", [rows], model_version=version).as_numpy("label")[0]
            for version in ("", "v1", "v2")
        }
        assert labels == {"": b"positive", "v1": b"positive", "v2": b"negative"}

    await speaking(served, talk)


async def test_it_routes_by_parameters(served: ServedRouter) -> None:
    def talk(triton: Triton) -> None:
        rows = triton.tensor("score", np.array([SURE, UNSURE], dtype=np.float32))
        parameters = {"surehand_review": "auto", "surehand_item_ids": ["a", "b"]}
        result = triton.infer("shop", [rows], parameters=parameters)
        assert result.as_numpy("surehand_decision").tolist() == [b"answered", b"in_review"]
        assert result.as_numpy("label").tolist() == [b"positive", b""]

    await speaking(served, talk)
    assert served.queue.item_ids == ["b"]


async def test_it_understands_refusals(served: ServedRouter) -> None:
    def talk(triton: Triton) -> None:
        rows = triton.tensor("score", np.array([SURE], dtype=np.float32))
        status, message = triton.refusal(lambda: triton.infer("nowhere", [rows]))
        assert (status, message) == ("404", "Create the project at the review queue first.")
        status, message = triton.refusal(
            lambda: triton.infer("shop", [triton.tensor("colour", np.ones(1, np.float32))])
        )
        assert (status, message) == ("400", "/inputs/0/name is no input of the model")
        status, message = triton.refusal(
            lambda: triton.infer("shop", [triton.tensor("score", np.array([np.nan], np.float32))])
        )
        assert (status, message) == ("422", "/inputs/0/data/0 must be a finite number")
        status, _ = triton.refusal(lambda: triton.infer("shop", [rows], model_version="v9"))
        assert status == "404"
        status, _ = triton.refusal(lambda: triton.load_model("shop"))
        assert status == "403"
        status, _ = triton.refusal(lambda: triton.get_inference_statistics("shop"))
        assert status == "404"
        triton.token = "nonsense"
        status, _ = triton.refusal(lambda: triton.infer("shop", [rows]))
        assert status == "401"

    await speaking(served, talk)


async def test_an_operator_unloads_and_loads(served: ServedRouter) -> None:
    def talk(triton: Triton) -> None:
        triton.unload_model("shop")
        assert not triton.is_model_ready("shop")
        triton.load_model("shop")
        assert triton.is_model_ready("shop")

    await speaking(served, talk, "operator")
