"""Tensors laid out as the graph's own inputs, and as the fields that feed them."""

import base64
from typing import Any

import httpx
import numpy as np
import onnx
import pytest

from shared.fields.image import ImageField
from shared.fields.number import NumberField
from tests.graphs import FLOAT, UINT8, an_input, image_model, index_model, number_model
from tests.harness.model_publisher import Publisher, project_of
from tests.integration.router.conftest import OpenRouter, ServedRouter
from tests.integration.router.oip import packed, tensor
from tests.integration.router.predict.test_inputs import (
    BLACK,
    GREY,
    HOSTILE,
    TABLE,
    WHITE,
    of_photos,
)
from tests.pictures import encoded

INFER = "/v2/models/shop/infer"


async def labels(served: ServedRouter, *inputs: dict[str, Any], **members: Any) -> Any:
    """The labels of a call whose tensors are binary; the pointers where it is refused."""
    body, headers = packed(*inputs, outputs=[{"name": "label"}], **members)
    response = await served.caller.post(INFER, content=body, headers=headers)
    if response.status_code == httpx.codes.OK:
        return response.json()["outputs"][0]["data"]
    return response.status_code, [fault["pointer"] for fault in response.json()["errors"]]


async def test_an_input_of_several_fields_is_taken_apart(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project(project_of(fields=TABLE))
    stacked = an_input("float_input", ["weight", "price", "kind"], shape=(-1, 5))
    await publisher.publish("v1", number_model([1, -1, 0, 5, 0]), inputs=[stacked])
    rows = [9, 0, 1, 0, 0, 0, 9, 1, 0, 0, 1, 1, 0, 1, 0]
    async with open_router(queue_url) as served:
        described = (await served.caller.get("/v2/models/shop")).json()["inputs"]
        assert described == [{"name": "float_input", "datatype": "FP32", "shape": [-1, 5]}]
        whole = tensor("float_input", "FP32", [3, 5], rows)
        assert await labels(served, whole) == ["positive", "negative", "positive"]
        review = {"surehand_review": "always", "surehand_item_ids": ["a", "b", "c"]}
        await labels(served, whole, parameters=review)
        tasks = [task for _, batch in served.queue.batches for task in batch]
        assert tasks[2]["data"] == {"weight": 1, "price": 1, "kind": "b"}
        # The fields alone do as well.
        parts = [tensor(name, "FP32", [1], [1]) for name in ("weight", "price")]
        assert await labels(served, *parts, tensor("kind", "BYTES", [1], ["b"])) == ["positive"]
        for columns in ([1, 1, 0], [0, 0, 0], [0, 0.5, 0], [2, 0, 0]):
            bad = tensor("float_input", "FP32", [2, 5], [*rows[:5], 1, 1, *columns])
            assert await labels(served, bad) == (422, ["/inputs/0/data/1"])


async def test_a_category_comes_as_its_index_or_as_itself(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project(project_of(fields={"letter": TABLE["kind"]}))
    coded = an_input("kind", "letter", "int64", (-1,))
    await publisher.publish("v1", index_model(), inputs=[coded])
    async with open_router(queue_url) as served:
        assert await labels(served, tensor("kind", "INT64", [2], [2, 0])) == [
            "positive",
            "negative",
        ]
        for name in ("kind", "letter"):
            values = tensor(name, "BYTES", [2], ["c", "a"])
            assert await labels(served, values) == ["positive", "negative"]
        assert await labels(served, tensor("kind", "INT64", [2], [0, 3])) == (
            422,
            ["/inputs/0/data/1"],
        )
        assert await labels(served, tensor("kind", "FP64", [1], [float("nan")])) == (
            422,
            ["/inputs/0/data/0"],
        )
        assert await labels(served, tensor("letter", "BYTES", [1], ["d"])) == (
            422,
            ["/inputs/0/data/0"],
        )
        assert await labels(served, tensor("letter", "INT64", [1], [0])) == (
            400,
            ["/inputs/0/datatype"],
        )


async def test_an_image_comes_as_its_file_or_as_the_graphs_pixels(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await of_photos(publisher)
    white, black = base64.b64decode(WHITE), base64.b64decode(BLACK)
    async with open_router(queue_url) as served:
        described = (await served.caller.get("/v2/models/shop")).json()["inputs"]
        assert described == [{"name": "photo", "datatype": "FP32", "shape": [-1, 3, 4, 4]}]
        files = tensor("photo", "BYTES", [3], [white, black, WHITE])
        assert await labels(served, files) == ["positive", "negative", "positive"]
        pixels = np.concatenate([np.ones(48), np.zeros(48)])
        laid_out = tensor("photo", "FP32", [2, 3, 4, 4], pixels)
        assert await labels(served, laid_out) == ["positive", "negative"]
        pixels[50] = np.nan
        laid_out = tensor("photo", "FP32", [2, 3, 4, 4], pixels)
        assert await labels(served, laid_out) == (422, ["/inputs/0/data/1"])
        flat = tensor("photo", "FP32", [1, 48], np.ones(48))
        assert await labels(served, flat) == (400, ["/inputs/0/shape"])


UNFIT = [("INT32", 256), ("INT32", -1), ("INT32", 511), ("FP32", 0.999), ("FP32", 1e20),
         ("FP64", -0.5), ("UINT64", 2**63), ("FP32", np.nan), ("FP64", np.inf)]  # fmt: skip


async def test_pixels_of_another_datatype_are_taken_as_they_are_or_refused(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project(project_of(fields={"photo": ImageField()}))
    entry = an_input("photo", "photo", "uint8", (-1, 3, 4, 4))
    await publisher.publish("v1", image_model(kind=UINT8), inputs=[entry])
    async with open_router(queue_url) as served:
        for datatype in ("UINT8", "INT16", "UINT64", "FP16", "FP64"):
            given = tensor("photo", datatype, [2, 3, 4, 4], [255] * 48 + [0] * 48)
            assert await labels(served, given) == ["positive", "negative"]
        for datatype, pixel in UNFIT:
            given = tensor("photo", datatype, [2, 3, 4, 4], [255] * 48 + [pixel] + [0] * 47)
            assert await labels(served, given) == (422, ["/inputs/0/data/1"]), (datatype, pixel)
        said = await served.caller.post(
            INFER, json={"inputs": [tensor("photo", "INT32", [1, 3, 4, 4], [0] * 47 + [256])]}
        )
        (fault,) = said.json()["errors"]
        assert fault == {
            "pointer": "/inputs/0/data/0",
            "detail": "must be whole numbers from 0 to 255: value 47 of the row is 256",
        }


def with_brightness() -> bytes:
    """The model of images, whose `mean` can be asked for too."""
    model = onnx.load_from_string(image_model())
    made = onnx.helper.make_tensor_value_info("mean", FLOAT, [None, 1])
    model.graph.output.append(made)
    return bytes(model.SerializeToString())


async def test_other_outputs_of_the_graph_are_those_of_the_files(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project(project_of(fields={"photo": ImageField()}))
    entry = an_input("photo", "photo", shape=(-1, 3, 4, 4))
    await publisher.publish("v1", with_brightness(), inputs=[entry])
    async with open_router(queue_url) as served:
        files = tensor("photo", "BYTES", [3], [WHITE, GREY, BLACK])
        body = {"inputs": [files], "outputs": [{"name": "mean"}]}
        response = await served.caller.post(INFER, json=body)
        (output,) = response.json()["outputs"]
        assert output["shape"] == [3, 1]
        assert output["data"] == pytest.approx([1, 0.5, 0], abs=0.01)


def with_widths() -> bytes:
    """The model of images, and `boxes`: a row is the wider the brighter the brightest image is."""
    model = onnx.load_from_string(image_model())
    node = onnx.helper.make_node
    for name, value in (("one", np.array([1])), ("four", np.float32(4))):
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(value), name))
    model.graph.node.extend(
        [
            node("ReduceMax", ["mean"], ["most"], keepdims=0),
            node("Mul", ["most", "four"], ["scaled_most"]),
            node("Cast", ["scaled_most"], ["whole"], to=onnx.TensorProto.INT64),
            node("Add", ["whole", "one"], ["width"]),
            node("Concat", ["one", "width"], ["wide"], axis=0),
            node("Expand", ["mean", "wide"], ["boxes"]),
        ]
    )
    model.graph.output.append(onnx.helper.make_tensor_value_info("boxes", FLOAT, [None, None]))
    return bytes(model.SerializeToString())


async def test_an_output_whose_rows_differ_between_runs_is_given_or_refused_as_a_whole(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project(project_of(fields={"photo": ImageField()}))
    entry = an_input("photo", "photo", shape=(-1, 3, 4, 4))
    await publisher.publish("v1", with_widths(), inputs=[entry])
    # One a turn.
    white, black = (encoded((2000, 2000), colour) for colour in ((255, 255, 255), (0, 0, 0)))
    async with open_router(queue_url) as served:
        for files, expected in (
            ([BLACK, WHITE], (200, [[2, 5]])),
            ([white, white], (200, [[2, 5]])),
            ([black, white], (400, ["/outputs"])),
        ):
            body = {
                "inputs": [tensor("photo", "BYTES", [2], files)],
                "outputs": [{"name": "boxes"}],
            }
            response = await served.caller.post(INFER, json=body)
            said = response.json()
            found = [one["shape"] for one in said.get("outputs", ())]
            found += [fault["pointer"] for fault in said.get("errors", ())]
            assert (response.status_code, found) == expected


async def test_people_are_shown_files_not_pixels(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await of_photos(publisher)
    review = {"surehand_review": "auto", "surehand_item_ids": ["a"]}
    async with open_router(queue_url) as served:
        pixels = tensor("photo", "FP32", [1, 3, 4, 4], np.zeros(48))
        assert await labels(served, pixels, parameters=review) == (400, ["/inputs/0"])
        assert await labels(served, tensor("photo", "BYTES", [1], [GREY]), parameters=review) == [
            ""
        ]
        assert served.queue.batches[0][1][0]["data"] == {"photo": GREY}


async def test_a_file_that_is_no_image_is_named_by_input_and_row(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await of_photos(publisher)
    review = {"surehand_review": "always", "surehand_item_ids": ["a", "b"]}
    async with open_router(queue_url) as served:
        for name, photo in HOSTILE.items():
            files = tensor("photo", "BYTES", [2], [WHITE, photo])
            for members in ({}, {"parameters": review}):
                found = await labels(served, files, **members)
                assert found == (422, ["/inputs/0/data/1"]), name
        assert served.queue.item_ids == []


async def test_one_field_may_feed_two_inputs_if_they_agree(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    fields = {"score": NumberField()}
    await publisher.put_project(project_of(fields=fields))
    twice = an_input("float_input", ["score", "score"], shape=(-1, 2))
    await publisher.publish("v1", number_model([1, 0]), inputs=[twice])
    async with open_router(queue_url) as served:
        for values, expected in (([5, 5], ["positive"]), ([5, 4], (400, ["/inputs/0"]))):
            given = tensor("float_input", "FP32", [1, 2], values)
            assert await labels(served, given) == expected
