"""The object store on a local folder."""

import asyncio
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.contracts.versions import Channels
from shared.store import Replaced, Store, channels_path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store((tmp_path / "a folder" / "store").as_uri())


async def test_document_comes_back_as_it_was(store: Store) -> None:
    document = Channels(revision=3, champion="v2", previous="v1")
    await store.write_document(channels_path("shop"), document)
    assert await store.read_document(channels_path("shop"), Channels) == document


async def test_nothing_is_none(store: Store) -> None:
    assert await store.read("shop/nothing.json") is None
    assert await store.files("nowhere") == []
    assert await store.folders() == []


async def test_half_a_document_is_refused(store: Store) -> None:
    await store.write(channels_path("shop"), b'{"revision": 3, "cham')
    with pytest.raises(ValidationError):
        await store.read_document(channels_path("shop"), Channels)


async def test_reader_never_sees_a_mixture(store: Store) -> None:
    small, large = b"a" * 10, b"b" * 1_000_000
    await store.write("shop/x", small)
    seen = set()

    async def read() -> None:
        for _ in range(100):
            seen.add(await store.read("shop/x"))

    async def write() -> None:
        for turn in range(50):
            await store.write("shop/x", large if turn % 2 else small)

    await asyncio.gather(read(), write())
    assert seen <= {small, large}


async def test_folders_and_files_are_listed(store: Store) -> None:
    for path in ("shop/versions/v1/model.onnx", "shop/versions/v10/m", "bank/project.json"):
        await store.write(path, b"x")
    assert await store.folders() == ["bank", "shop"]
    assert await store.folders("shop/versions") == ["v1", "v10"]
    assert await store.files("shop/versions") == ["shop/versions/v1/model.onnx",
                                                  "shop/versions/v10/m"]  # fmt: skip
    await store.delete("bank/project.json")
    await store.delete("bank/project.json")
    assert await store.read("bank/project.json") is None


@pytest.mark.parametrize("url", ["file", "memory:///"])
async def test_a_replacement_that_comes_too_late_is_refused(tmp_path: Path, url: str) -> None:
    store = Store((tmp_path / "store").as_uri() if url == "file" else url)
    assert await store.read_tagged("shop/x.json") == (None, None)
    first = await store.replace("shop/x.json", b"1", None)
    with pytest.raises(Replaced):
        await store.replace("shop/x.json", b"2", None)
    assert await store.read_tagged("shop/x.json") == (b"1", first)
    second = await store.replace("shop/x.json", b"2", first)
    with pytest.raises(Replaced):
        await store.replace("shop/x.json", b"3", first)
    assert await store.read_tagged("shop/x.json") == (b"2", second)
    await store.delete("shop/x.json")
    with pytest.raises(Replaced):
        await store.replace("shop/x.json", b"3", second)
    assert await store.folders() == []


async def test_of_replacements_at_once_one_is_done(store: Store) -> None:
    tag = await store.replace("shop/x.json", b"0", None)
    replacements = (store.replace("shop/x.json", b"%d" % n, tag) for n in range(1, 9))
    results = await asyncio.gather(*replacements, return_exceptions=True)
    assert sorted(isinstance(result, Replaced) for result in results) == [False] + 7 * [True]
