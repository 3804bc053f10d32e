"""Recipe text-embedding: word pieces, an encoder in the graph, and a head on its vectors."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from services.trainer.recipes import encoder as encoders
from services.trainer.recipes.encoder import (
    EMBEDDING,
    MOST_PIECES,
    WordPieceEncoder,
    embedding_nodes,
    load_encoder,
    word_table,
)
from services.trainer.recipes.graph import graph_inputs
from services.trainer.recipes.parity import NASTY_TEXTS
from services.trainer.recipes.recipe import RecipeRefused, TrainingData
from services.trainer.recipes.text_embedding import RECIPE, fit_text_embedding
from services.trainer.recipes.wordpieces import pieces, split
from shared.fields.number import NumberField
from tests.unit.trainer.recipes.corpus import answers

VOCABULARY = {"[UNK]": 0, "un": 1, "##want": 2, "##ed": 3, "cafe": 4, "中": 5, "##e": 6, "!": 7}


def test_a_word_falls_into_the_longest_pieces_that_are_known() -> None:
    assert pieces("unwanted", VOCABULARY, 0) == [1, 2, 3]
    assert pieces("unwanting", VOCABULARY, 0) == [0]
    assert pieces("café", VOCABULARY, 0) == [4]
    assert pieces("中中", VOCABULARY, 0) == [5, 5]
    assert pieces("un" * 60, VOCABULARY, 0) == [0]


def by_graph(encoder: WordPieceEncoder, texts: Sequence[str], at: str, **options: Any) -> Any:
    """What one value of the graph is for these texts; `options` as `graph_to` has them."""
    return graph_to(encoder, at, **options)(texts)


def graph_to(
    encoder: WordPieceEncoder, at: str, *, fields: int = 1, told: str = ""
) -> Callable[[Sequence[str]], Any]:
    """Return what gives one value of the graph for texts, the same in each field.

    The words of `told` are looked up beside the encoder's own.
    """
    inputs = graph_inputs([f"field {i}" for i in range(fields)])
    table = word_table([[told or "unbelievably good day"] * 2], encoder)
    nodes, constants = embedding_nodes(inputs, table, encoder)
    # What comes after the value is left out: the encoder takes a second to load.
    kept = nodes[: next(i for i, node in enumerate(nodes) if at in node.output) + 1]
    read = {name for node in kept for name in node.input}
    constants = [one for one in constants if one.name in read]
    model = onnx.load_model_from_string(
        encoder.serialise("part", kept, constants, inputs, encoder.width, output=at)
    )
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(at))
    session = ort.InferenceSession(model.SerializeToString())

    def value(texts: Sequence[str]) -> Any:
        column = np.array(texts, dtype=object).reshape(-1, 1)
        return session.run([at], {entry["name"]: column for entry in inputs})[0]

    return value


def test_pieces_of_a_batch_are_those_of_its_texts() -> None:
    encoder = load_encoder()
    texts = ["Unbelievably good!", "", "so GOOD so good", "day " * 300, "qqqqzzzz"]
    found = by_graph(encoder, texts, "input_ids")
    mask = by_graph(encoder, texts, "attention_mask")
    number = encoder.vocabulary
    assert found.shape == mask.shape == (5, MOST_PIECES)
    wanted = [number["[CLS]"], *pieces("unbelievably", number, 100), number["good"], number["!"]]
    wanted.append(number["[SEP]"])
    assert found[0][mask[0] == 1].tolist() == wanted
    assert found[1][mask[1] == 1].tolist() == [number["[CLS]"], number["[SEP]"]]
    assert found[3].tolist() == [number["[CLS]"], *[number["day"]] * 126, number["[SEP]"]]
    assert found[4][1] == number["[UNK]"]
    assert not found[mask == 0].any()


def test_fields_follow_one_another_with_an_end_between() -> None:
    encoder = load_encoder()
    (row,) = by_graph(encoder, ["good day"], "input_ids", fields=2)
    number = encoder.vocabulary
    text, end = [number["good"], number["day"]], number["[SEP]"]
    assert row.tolist() == [number["[CLS]"], *text, end, *text, end]


def test_vectors_do_not_depend_on_the_batch() -> None:
    texts = [*NASTY_TEXTS, "good day"]
    vectors = graph_to(load_encoder(), EMBEDDING)
    together = vectors(texts[-3:])
    alone = np.concatenate([vectors([text]) for text in texts[-2:]])
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(alone, together[-2:], atol=1e-5)


def test_words_are_split_as_in_the_graph() -> None:
    encoder = load_encoder()
    texts = NASTY_TEXTS[:18]
    found = by_graph(encoder, texts, "input_ids", told=" ".join(texts))
    for row, text in zip(found, texts, strict=True):
        words = [pieces(word, encoder.vocabulary, 100)[:6] for word in split(text)]
        wanted = [number for word in words for number in word][: MOST_PIECES - 2]
        assert row[1 : len(wanted) + 1].tolist() == wanted, text
        assert row[len(wanted) + 1] == encoder.vocabulary["[SEP]"]


def meanings(n: int) -> TrainingData:
    """Texts whose label is a meaning, and hardly any two of which share a word."""
    food = ["bread", "soup", "cheese", "pasta", "apple", "salad", "butter", "onion", "rice", "egg"]
    tools = [
        "hammer",
        "wrench",
        "saw",
        "drill",
        "pliers",
        "chisel",
        "shovel",
        "axe",
        "ladder",
        "nail",
    ]
    rows = [{"text": f"{(food, tools)[i % 2][i // 2 % 10]} number {i}"} for i in range(n)]
    return TrainingData(rows, ["food", "tool"] * (n // 2), np.ones(n), ["text"], ["food", "tool"])


def test_it_knows_words_that_no_label_taught_it() -> None:
    model = fit_text_embedding(meanings(40))
    assert model.metrics["accuracy"] > 0.9
    fresh = [{"text": "sausage and tomato"}, {"text": "a spanner with a bolt"}, {"text": ""}]
    found = answers(model, fresh, ["food", "tool"])
    assert found[0, 0] > 0.6
    assert found[1, 1] > 0.6
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_without_the_encoder_the_recipe_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    load_encoder.cache_clear()
    monkeypatch.setattr(encoders, "_MODEL", "no_such_package")
    with pytest.raises(RecipeRefused, match="needs an encoder that is not installed"):
        fit_text_embedding(meanings(40))
    with pytest.raises(RecipeRefused, match="needs a text field"):
        RECIPE.learns_from({"size": NumberField()})
