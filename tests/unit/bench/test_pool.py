"""The made-up items of the bench of large pools, and its table."""

import orjson

from bench.pool.footprint import Footprint
from bench.pool.main import Step, row_of
from bench.pool.rows import bodies, label_of, text_of


def test_bodies_have_every_item_once() -> None:
    lines = [orjson.loads(line) for body in bodies(25, 10) for line in body.splitlines()]
    assert [line["item_id"] for line in lines] == [f"item-{number}" for number in range(25)]
    assert len({line["data"]["text"] for line in lines}) == 25


def test_most_texts_tell_their_label() -> None:
    names = [f"item-{number}" for number in range(400)]
    telling = {
        name: [int(w[4:]) for w in text_of(name).split() if int(w[4:]) < 80] for name in names
    }
    told = {name: words for name, words in telling.items() if words}
    assert 0.8 < len(told) / len(names) < 0.9
    for name, words in told.items():
        assert all((word >= 40) == (label_of(name) == "positive") for word in words)


def test_a_row_has_processor_time_an_item() -> None:
    took = Footprint(seconds=20.0, cpu={"trainer": 1.5, "selection": 0.5}, peak={"trainer": 300.0})
    row = row_of(Step("import", 1_000, took))
    assert row == ["import", "1,000", "20", "2", "2.00", "300", "-", "-"]
