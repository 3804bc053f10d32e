"""Fields of every type reach graphs of any inputs; an item that lacks one spoils no neighbour."""

from typing import Any

import httpx

from services.router.pictures.opening import MAX_CALL_PIXELS
from shared.contracts.base import utc_now
from shared.fields.category import CategoryField
from shared.fields.image import ImageField
from shared.fields.number import NumberField
from tests.graphs import an_input, image_model, index_model, number_model
from tests.harness import wait_until
from tests.harness.model_publisher import Publisher, entry_of, project_of
from tests.integration.router.conftest import OpenRouter, ServedRouter
from tests.integration.router.predict.test_shadow import recorded
from tests.pictures import base64_of, encoded, file_of, noise, png_of_size

PHOTO = an_input("photo", "photo", shape=(-1, 3, 4, 4))
WHITE, BLACK, GREY = (
    encoded(colour=(255, 255, 255)),
    encoded(colour=(0, 0, 0), kind="JPEG"),
    encoded(colour=(128, 128, 128), kind="WEBP"),
)


def photos(*encoded_images: str) -> list[dict[str, Any]]:
    return [
        {"item_id": f"photo-{i}", "data": {"photo": image}}
        for i, image in enumerate(encoded_images)
    ]


async def of_photos(publisher: Publisher) -> None:
    await publisher.put_project(project_of(fields={"photo": ImageField()}))
    await publisher.publish("v1", image_model(), inputs=[PHOTO])


def predictions(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["predictions"]
    return found


async def test_photos_are_answered_by_what_they_show(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await of_photos(publisher)
    async with open_router(queue_url) as served:
        found = predictions(await served.predict(*photos(WHITE, BLACK, GREY)))
        assert [one["label"] for one in found] == ["positive", "negative", None]
        assert found[2]["decision"] == "in_review"
        assert served.queue.item_ids == ["photo-2"]


async def test_a_stored_photo_goes_to_people_without_being_fetched(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await of_photos(publisher)
    async with open_router(queue_url) as served:
        # Nobody may be asked for it: this address would answer.
        stored = f"{served.caller.base_url}healthz"
        before = await served.metric("surehand_router_scoring_failures_total")
        found = predictions(await served.predict(*photos(WHITE, stored, BLACK)))
        assert [one["decision"] for one in found] == ["answered", "in_review", "answered"]
        assert (found[1]["reason"], found[1]["suggestion"]) == ("model_invalid", None)
        assert await served.metric("surehand_router_scoring_failures_total") == before + 1


async def test_photos_reach_challengers_and_shadows_in_their_own_layouts(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await of_photos(publisher)
    large = an_input("photo", "photo", shape=(-1, 3, 9, 9))
    for version in ("v2", "v3"):
        digest = await publisher.put_version(version, image_model((3, 9, 9)), inputs=[large])
        await publisher.put_promise(**{version: entry_of(publisher.project, digest)})
    await publisher.put_champion("v1", challenger=("v2", 1.0), shadow=["v3"])
    async with open_router(queue_url) as served:

        async def loaded() -> bool:
            return len((await served.model())["loaded"]) == 3

        await wait_until(loaded)
        stored = "https://example.org/photo.png"
        found = predictions(await served.predict(*photos(WHITE, BLACK, stored)))
        assert [one["label"] for one in found] == ["positive", "negative", None]
        assert {one["model_version"] for one in found} == {"v2"}
        rows = await recorded(served, 3)
        assert [row.suggestion for row in rows] == ["positive", "negative", None]
        assert {row.model_version for row in rows} == {"v3"}


HOSTILE = {
    "truncated": base64_of(file_of(noise(64))[:2000]),
    "bomb": base64_of(png_of_size(50_000, 50_000)),
    "gif": base64_of(file_of(noise(8), "GIF")),
    "svg": base64_of(b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
    "no image": base64_of(b"hello"),
}


async def test_a_photo_that_is_none_is_named_and_nothing_is_done(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await of_photos(publisher)
    async with open_router(queue_url) as served:
        for name, photo in HOSTILE.items():
            response = await served.predict(*photos(GREY, GREY, WHITE, photo), review="always")
            assert response.status_code == 422, name
            faults = response.json()["errors"]
            assert [fault["pointer"] for fault in faults] == ["/items/3/data/photo"]
            assert served.queue.item_ids == []


async def test_a_photo_is_checked_before_a_version_serves(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project(project_of(fields={"photo": ImageField()}))
    async with open_router(queue_url) as served:
        assert (await served.predict(*photos(HOSTILE["truncated"]))).status_code == 422
        assert predictions(await served.predict(*photos(WHITE)))[0]["reason"] == "no_model"


async def test_a_call_may_ask_for_so_many_pixels(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await of_photos(publisher)
    side = 5_700
    assert 5 * side**2 > MAX_CALL_PIXELS
    async with open_router(queue_url) as served:
        response = await served.predict(*photos(*[base64_of(png_of_size(side, side))] * 5))
        assert response.status_code == 422
        assert [fault["pointer"] for fault in response.json()["errors"]] == ["/items"]


TABLE = {
    "price": NumberField(),
    "weight": NumberField(),
    "kind": CategoryField(values=["a", "b", "c"]),
}


async def test_numbers_of_several_fields_are_one_tensor(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project(project_of(fields=TABLE))
    stacked = an_input("float_input", ["weight", "price", "kind"], shape=(-1, 5))
    await publisher.publish("v1", number_model([1, -1, 0, 5, 0]), inputs=[stacked])
    async with open_router(queue_url) as served:
        items = [
            {"data": {"price": 0, "weight": 9, "kind": "a"}},
            {"data": {"price": 9, "weight": 0, "kind": "a"}},
            {"data": {"price": 1, "weight": 1, "kind": "b"}},
        ]
        found = predictions(await served.predict(*items))
        assert [one["label"] for one in found] == ["positive", "negative", "positive"]


async def test_a_number_that_is_not_whole_is_for_people(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project(project_of())
    whole = an_input("kind", "score", "int64", (-1,))
    await publisher.publish("v1", index_model(), inputs=[whole])
    async with open_router(queue_url) as served:
        items = [{"data": {"score": score}} for score in (2, 0.5, 0)]
        found = predictions(await served.predict(*items))
        assert [one["label"] for one in found] == ["positive", None, "negative"]
        assert found[1]["reason"] == "model_invalid"


async def test_a_category_that_is_ordered_anew_is_fed_anew(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project(project_of(fields=TABLE))
    await publisher.publish("v1", index_model(), inputs=[an_input("kind", "kind", "int64", (-1,))])
    item = {"data": {"price": 0, "weight": 0, "kind": "c"}}

    async def suggestion(served: ServedRouter) -> Any:
        return predictions(await served.predict(item))[0]["suggestion"]

    async with open_router(queue_url) as served:
        assert await suggestion(served) == "positive"
        turned = {**TABLE, "kind": CategoryField(values=["c", "b", "a"])}
        changed = project_of(fields=turned, revision=2, updated_at=utc_now())
        await publisher.put_project(changed)
        await served.project_revision(2)
        await served.serving("v1")
        assert await suggestion(served) == "negative"
