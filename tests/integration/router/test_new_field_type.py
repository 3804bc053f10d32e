"""A field type that is one module and one line reaches graphs, by every protocol."""

from collections.abc import Iterator

import pytest

from tests.flags import FlagField, flags
from tests.graphs import an_input, number_model
from tests.harness.model_publisher import Publisher, project_of
from tests.integration.router.conftest import OpenRouter


@pytest.fixture(autouse=True)
def flag_type() -> Iterator[None]:
    with flags():
        yield


async def test_items_are_checked_and_scored(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project(project_of(fields={"gift": FlagField(yes="a gift")}))
    await publisher.publish("v1", number_model((8.0,), "x"), inputs=[an_input("x", "gift")])
    async with open_router(queue_url) as served:
        response = await served.predict(
            {"item_id": "a", "data": {"gift": True}}, {"item_id": "b", "data": {"gift": False}}
        )
        sure, unsure = response.json()["predictions"]
        assert (sure["decision"], sure["label"]) == ("answered", "positive")
        assert unsure["probabilities"] == {"negative": 0.5, "positive": 0.5}
        refused = await served.predict({"item_id": "c", "data": {"gift": "yes"}})
        assert refused.json()["errors"] == [
            {"pointer": "/items/0/data/gift", "detail": "must be true or false"}
        ]


@pytest.mark.parametrize(
    ("name", "datatype", "values"), [("gift", "BOOL", [True, False]), ("x", "FP32", [1, 0])]
)
async def test_tensors_have_its_values_or_what_the_graph_takes(
    open_router: OpenRouter,
    publisher: Publisher,
    queue_url: str,
    name: str,
    datatype: str,
    values: list[object],
) -> None:
    await publisher.put_project(project_of(fields={"gift": FlagField()}))
    await publisher.publish("v1", number_model((8.0,), "x"), inputs=[an_input("x", "gift")])
    async with open_router(queue_url) as served:
        tensor = {"name": name, "datatype": datatype, "shape": [2], "data": values}
        response = await served.caller.post("/v2/models/shop/infer", json={"inputs": [tensor]})
        assert response.status_code == 200, response.text
        (probabilities,) = (
            one["data"] for one in response.json()["outputs"] if one["name"] == "probabilities"
        )
        assert probabilities == pytest.approx([0.000335, 0.999665, 0.5, 0.5], abs=1e-5)
