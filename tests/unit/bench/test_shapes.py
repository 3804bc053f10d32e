"""The same texts in every server's form; no text and no id twice."""

from itertools import islice
from statistics import fmean

import orjson
import pytest

from bench.serving.shapes import SHAPES, Requests, parse_probabilities
from bench.serving.texts import make_texts, numbered, vocabulary
from shared.contracts.decisions import PredictRequest

TEXTS = make_texts(50, seed=1)
FLAT = [0.25, 0.75, 0.5, 0.5]
ROWS = [FLAT[:2], FLAT[2:]]


def test_texts_are_the_same_for_the_same_seed_and_about_90_characters_long() -> None:
    assert make_texts(50, seed=1) == TEXTS
    assert make_texts(50, seed=2) != TEXTS
    lengths = [len(text) for _, text in islice(numbered(make_texts(1_000, seed=3), "a"), 1_000)]
    assert 80 < fmean(lengths) < 100
    assert len(set(vocabulary())) == len(vocabulary())


def test_no_id_and_no_text_comes_twice() -> None:
    items = list(islice(numbered(TEXTS, "a"), 500))
    assert len({item_id for item_id, _ in items}) == len({text for _, text in items}) == 500


def test_a_predict_body_is_one_that_the_router_takes() -> None:
    items = list(islice(numbered(TEXTS, "a"), 64))
    request = PredictRequest.model_validate_json(SHAPES["predict"].body(items))
    assert [(item.item_id, item.data["text"]) for item in request.items] == items


@pytest.mark.parametrize("shape", SHAPES)
def test_a_request_has_the_length_that_it_says(shape: str) -> None:
    requests = Requests(shape, 3, texts=TEXTS, prefix="a", path="/x", token="t")
    first, second = requests.make(), requests.make()
    assert first != second
    head, _, body = first.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /x HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer t\r\n" in head
    assert head.endswith(b"Content-Length: %d" % len(body))
    assert all(text.encode() in body for text in TEXTS[:3])
    orjson.loads(body)


@pytest.mark.parametrize(
    ("shape", "answer"),
    [
        ("predict", {"predictions": [{"probabilities": {"a": p, "b": q}} for p, q in ROWS]}),
        ("oip", {"outputs": [{"name": "probabilities", "shape": [2, 2], "data": FLAT}]}),
        ("texts", {"probabilities": ROWS}),
        ("texts", ROWS),
    ],
)
def test_probabilities_are_found_in_every_answer(shape: str, answer: object) -> None:
    assert parse_probabilities(shape, orjson.dumps(answer)) == ROWS


@pytest.mark.parametrize("shape", SHAPES)
def test_another_answer_is_refused(shape: str) -> None:
    with pytest.raises(ValueError, match="not an answer"):
        parse_probabilities(shape, b'{"outputs":[],"detail":"no"}')
