"""Pictures of many calls: decoded in turns, within memory and time, and for nobody who has left."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from services.router.pictures.decoding import Decoder, PictureBatch
from services.router.pictures.opening import Data, Pictures, check_decoded
from services.router.problems import Overloaded
from shared.fields.layouts import Layout
from shared.fields.pictures import Picture
from shared.http.waiting import Client, enter_request
from shared.problems import Unprocessable
from tests.harness import wait_until
from tests.pictures import base64_of, encoded, png_of_size

SMALL = Layout(8, 8, 3, True, False, (), ())
# Two of these are more than one turn may hold, three more than the decoders below may.
LARGE = Layout(2048, 2048, 3, True, False, (), ())
MOST_BYTES = 3 * LARGE.bytes - 1
WHITE = encoded(colour=(255, 255, 255))
BROKEN = base64_of(png_of_size(8, 8))


def pictures(*, max_wait_seconds: float = 60.0, threads: int = 2) -> Pictures:
    return Pictures(Decoder(threads, max_wait_seconds=max_wait_seconds, most_bytes=MOST_BYTES))


def rows_of(*images: str) -> list[Data]:
    return [{"photo": image, "n": n} for n, image in enumerate(images)]


async def use(at: Sequence[int], rows: list[Data]) -> list[Any]:
    """Each row's number, which is its position too."""
    assert [row["n"] for row in rows] == list(at)
    return list(at)


async def numbered(some: Pictures, rows: Sequence[Data], layout: Layout = SMALL) -> list[Any]:
    opened, faults = await some.open(rows, ["photo"])
    assert not faults
    return await some.each(opened, ["photo"], {"photo": [layout]}, use)


CALLS = st.lists(
    st.tuples(
        st.lists(st.sampled_from([WHITE, BROKEN, "https://example.org/a.png"]), max_size=4),
        st.sampled_from([SMALL, LARGE]),
    ),
    max_size=6,
)


@settings(max_examples=10)
@given(calls=CALLS, threads=st.sampled_from([1, 2]))
def test_rows_come_back_in_order_and_no_more_is_held_than_there_is_room_for(
    calls: list[tuple[list[str], Layout]], threads: int
) -> None:
    some = pictures(threads=threads)

    async def call(images: list[str], layout: Layout) -> None:
        async def held(at: Sequence[int], rows: list[Data]) -> list[Any]:
            await asyncio.sleep(0)
            own = [row["photo"] for row in rows if isinstance(row["photo"], Picture)]
            arrays = [picture.array(layout) for picture in own]
            assert sum(array.nbytes for array in arrays) <= some.decoder.held_bytes <= MOST_BYTES
            assert all(picture.array(layout) is a for picture, a in zip(own, arrays, strict=True))
            return await use(at, rows)

        opened, _ = await some.open(rows_of(*images), ["photo"])
        found = await some.each(opened, ["photo"], {"photo": [layout]}, held)
        assert found == [None if image == BROKEN else n for n, image in enumerate(images)]

    async def run() -> None:
        await asyncio.gather(*(call(*one) for one in calls))
        assert (some.decoder.held_bytes, some.decoder.ahead) == (0, 0)

    asyncio.run(run())


async def test_a_picture_larger_than_memory_has_room_for_is_alone_there() -> None:
    decoder = Decoder(2, max_wait_seconds=60, most_bytes=SMALL.bytes - 1)
    some = Pictures(decoder)
    found = await asyncio.gather(*(numbered(some, rows_of(WHITE, WHITE)) for _ in range(3)))
    assert found == 3 * [[0, 1]]


async def test_every_image_that_cannot_be_decoded_is_named() -> None:
    some = pictures()
    opened, _ = await some.open(rows_of(BROKEN, WHITE, BROKEN), ["photo"])
    assert await some.each(opened, ["photo"], {}, use) == [None, 1, None]
    with pytest.raises(Unprocessable) as caught:
        check_decoded(opened, ["photo"])
    faults = caught.value.extensions["errors"]
    assert [fault["pointer"] for fault in faults] == ["/items/0/data/photo", "/items/2/data/photo"]


async def test_a_call_is_refused_while_others_take_too_long_and_never_for_itself() -> None:
    some = pictures(max_wait_seconds=1e-9)
    many = rows_of(*[WHITE] * 5)
    assert await numbered(some, many, LARGE) == list(range(5))
    found = await asyncio.gather(*(numbered(some, many) for _ in range(10)), return_exceptions=True)
    assert found.count(list(range(5))) == 1
    refusals = [one for one in found if isinstance(one, Overloaded)]
    assert len(refusals) == 9
    assert all(int(one.headers["Retry-After"]) >= 1 for one in refusals)
    assert await numbered(some, many) == list(range(5))


@pytest.mark.parametrize("asked", [1, 2])
async def test_a_call_its_model_has_no_room_for_is_refused_before_it_takes_a_place_or_is_used(
    asked: int,
) -> None:
    some = pictures()
    opened, _ = await some.open(rows_of(WHITE, WHITE), ["photo"])
    held: list[int] = []

    def admit() -> None:
        held.append(some.decoder.held_bytes)
        if len(held) == asked:
            raise Overloaded(1)

    async def unused(at: Sequence[int], rows: list[Data]) -> list[Any]:
        raise AssertionError((at, rows))

    with pytest.raises(Overloaded):
        await some.each(opened, ["photo"], {"photo": [LARGE]}, unused, admit=admit)
    assert held == [0, LARGE.bytes][:asked]
    assert (some.decoder.held_bytes, some.decoder.ahead) == (0, 0)


async def test_the_pace_is_measured() -> None:
    some = pictures()
    before = some.decoder.pace
    assert await numbered(some, rows_of(WHITE, WHITE), LARGE) == [0, 1]
    assert some.decoder.pace != before


async def test_a_picture_that_cannot_be_decoded_measures_nothing() -> None:
    some = pictures()
    before = some.decoder.pace
    opened, _ = await some.open(rows_of(WHITE, BROKEN), ["photo"])
    assert await some.each(opened, ["photo"], {}, use) == [0, None]
    assert some.decoder.pace == before


async def test_a_thread_that_cannot_be_started_fails_its_own_call_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    some = pictures(threads=1)
    opened = [{"photo": Picture(WHITE), "n": 0}]
    layouts = {"photo": [LARGE]}

    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fail)
        calls = [asyncio.create_task(some.each(opened, ["photo"], layouts, use)) for _ in range(4)]
        await asyncio.sleep(0)
        assert some.decoder.held_bytes
        calls[0].cancel()
        found = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(one) for one in found] == [asyncio.CancelledError, *[RuntimeError] * 3]
    assert some.decoder.idle
    assert some.decoder.held_bytes == 0
    assert await some.each(opened, ["photo"], layouts, use) == [0]


async def test_stored_images_are_neither_decoded_nor_refused() -> None:
    some = pictures(max_wait_seconds=1e-9)
    async with some.decoder.decoded(await turn_of(some)):
        stored = rows_of("https://example.org/a.png", "https://example.org/b.png")
        assert await numbered(some, stored) == [0, 1]


async def turn_of(some: Pictures) -> Any:
    """A turn that leaves no room for a large picture besides."""
    opened, _ = await some.open(rows_of(WHITE), ["photo"])
    return PictureBatch([(opened[0]["photo"], [LARGE])], 1, MOST_BYTES)


async def test_turns_that_fit_pass_one_that_lacks_memory_but_not_for_ever() -> None:
    some = pictures()
    opened, _ = await some.open(rows_of(WHITE), ["photo"])
    large, small = (
        PictureBatch([(opened[0]["photo"], [])], 1, size) for size in (MOST_BYTES - 1, 1)
    )

    async def decode(turn: PictureBatch) -> int:
        async with some.decoder.decoded(turn):
            return some.decoder.held_bytes

    async with some.decoder.decoded(large):
        head = asyncio.create_task(decode(large))
        await asyncio.sleep(0)
        assert [await decode(small) for _ in range(100)] == [MOST_BYTES] * 100
        behind = asyncio.create_task(decode(small))
        await asyncio.sleep(0)
        assert some.decoder.held_bytes == large.bytes
    assert await head >= large.bytes
    assert await behind <= MOST_BYTES
    assert (some.decoder.held_bytes, some.decoder.ahead) == (0, 0)


async def test_pictures_of_a_caller_who_is_cancelled_are_not_decoded() -> None:
    some = pictures(threads=1)
    opened, _ = await some.open(rows_of(BROKEN, BROKEN), ["photo"])
    layouts = {"photo": [LARGE]}
    async with some.decoder.decoded(await turn_of(some)):
        waiting = asyncio.create_task(some.each(opened, ["photo"], layouts, use))
        behind = asyncio.create_task(numbered(some, rows_of(WHITE), LARGE))
        await wait_until(lambda: some.decoder.ahead > 2 * LARGE.bytes // 3)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert await behind == [0]
    check_decoded(opened, ["photo"])
    assert (some.decoder.held_bytes, some.decoder.ahead) == (0, 0)


async def test_pictures_whose_client_has_left_are_not_decoded() -> None:
    some, client = pictures(threads=1), Client()
    opened, _ = await some.open(rows_of(BROKEN, BROKEN), ["photo"])
    async with some.decoder.decoded(await turn_of(some)):
        enter_request(client)
        left = asyncio.create_task(some.each(opened, ["photo"], {"photo": [LARGE]}, use))
        enter_request(None)
        behind = asyncio.create_task(numbered(some, rows_of(WHITE), LARGE))
        await wait_until(lambda: some.decoder.ahead > 2 * LARGE.bytes // 3)
        client.gone = True
    with pytest.raises(ClientDisconnect):
        await left
    assert await behind == [0]
    check_decoded(opened, ["photo"])
    assert (some.decoder.held_bytes, some.decoder.ahead) == (0, 0)


async def test_pictures_that_are_being_decoded_when_their_caller_leaves_are_let_go() -> None:
    some = pictures(threads=1)
    for _ in range(5):
        call = asyncio.create_task(numbered(some, rows_of(WHITE, WHITE), LARGE))
        await wait_until(lambda: some.decoder.held_bytes)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await wait_until(lambda: not some.decoder.held_bytes)
    assert some.decoder.idle
    assert await numbered(some, rows_of(WHITE)) == [0]


async def test_a_long_call_does_not_keep_a_short_one_waiting_for_all_of_it() -> None:
    some = pictures(threads=1)
    long = asyncio.create_task(numbered(some, rows_of(*[WHITE] * 10), LARGE))
    await wait_until(lambda: some.decoder.held_bytes)
    assert await numbered(some, rows_of(WHITE)) == [0]
    assert not long.done()
    assert await long == list(range(10))
    assert some.decoder.held_bytes == 0
