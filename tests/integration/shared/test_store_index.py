"""Index documents: written by any number of processes, followed by one listing a look."""

from pathlib import Path

import pytest

from shared.contracts.changes import StoreIndex
from shared.store import Store
from shared.store_index import IndexReader, IndexWriter, index_of, index_path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store((tmp_path / "store").as_uri())


async def written(store: Store, *notes: tuple[str, int, int]) -> IndexWriter:
    writer = IndexWriter(store, "trainer")
    for path, epoch, revision in notes:
        writer.note(path, epoch, revision)
    await writer.write()
    return writer


def reader_of(store: Store) -> IndexReader:
    return IndexReader(store, index_of("trainer"))


async def test_a_look_names_what_has_a_new_place_once(store: Store) -> None:
    reader = reader_of(store)
    assert not (await reader.look()).has("trainer")
    writer = await written(store, ("a/channels.json", 1, 1), ("b/channels.json", 1, 1))
    look = await reader.look()
    assert look.changed == {"a/channels.json", "b/channels.json"}
    assert look.has("trainer")
    assert not (await reader.look()).changed
    writer.note("b/channels.json", 1, 2)
    writer.note("a/channels.json", 1, 1)
    await writer.write()
    assert (await reader.look()).changed == {"b/channels.json"}


async def test_two_writers_keep_what_each_of_them_noted(store: Store) -> None:
    first = await written(store, ("a/channels.json", 1, 3))
    second = await written(store, ("b/channels.json", 1, 1), ("a/channels.json", 1, 2))
    first.note("c/channels.json", 1, 1)
    await first.write()
    second.note("b/channels.json", 2, 1)
    await second.write()
    index = await store.read_document(index_path("trainer"), StoreIndex)
    assert index is not None
    places = {path: entry[:2] for path, entry in index.documents.items()}
    assert places == {
        "a/channels.json": (1, 3),
        "b/channels.json": (2, 1),
        "c/channels.json": (1, 1),
    }


async def test_a_lost_index_is_made_anew_in_another_epoch(store: Store) -> None:
    reader = reader_of(store)
    writer = await written(store, ("a/channels.json", 1, 1), ("b/channels.json", 1, 1))
    before = await store.read_document(writer.path, StoreIndex)
    await reader.look()
    await store.delete(writer.path)
    assert not (await reader.look()).has("trainer")
    writer.note("b/channels.json", 1, 2)
    await writer.write()
    after = await store.read_document(writer.path, StoreIndex)
    assert before is not None
    assert after is not None
    assert after.epoch > before.epoch
    assert writer.losses == 1
    assert (await reader.look()).changed == {"a/channels.json", "b/channels.json"}


async def test_an_index_that_cannot_be_understood_counts_as_absent(store: Store) -> None:
    await store.write(index_path("trainer"), b"{")
    assert not (await reader_of(store).look()).has("trainer")
    await written(store, ("a/channels.json", 1, 1))
    assert (await reader_of(store).look()).changed == {"a/channels.json"}


async def test_an_index_without_entries_says_that_its_writer_keeps_one(store: Store) -> None:
    await written(store)
    look = await reader_of(store).look()
    assert (look.changed, look.has("trainer")) == (frozenset(), True)
