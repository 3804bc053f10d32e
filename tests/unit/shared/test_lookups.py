"""A text model answers the same by look-ups as by rows of terms; what is not known stays."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from shared.graphs.lookups.rewriting import with_lookups
from shared.graphs.session import GraphRefused, open_session

WORDS = ["good", "bad", "not", "day", "price", "#"]
TOLERANCE = 1e-6


def constant(name: str, value: Any) -> Any:
    return numpy_helper.from_array(np.asarray(value, dtype=np.float32), name)


def split(words: str = "words") -> list[Any]:
    tokenizer: dict[str, Any] = {
        "mark": 0,
        "mincharnum": 1,
        "pad_value": "#",
        "tokenexp": r"[a-z#]+",
    }
    return [
        helper.make_node("Reshape", ["text", "flat"], ["line"]),
        helper.make_node("Tokenizer", ["line"], [words], domain="com.microsoft", **tokenizer),
    ]


def vectorizer(singles: Sequence[str], pairs: Sequence[tuple[str, str]], **other: Any) -> Any:
    """A node over these terms, in shuffled columns, with a weight each."""
    chance = random.Random(len(singles) + len(pairs))
    columns = chance.sample(range(len(singles) + len(pairs)), len(singles) + len(pairs))
    attributes: dict[str, Any] = {
        "mode": "TFIDF",
        "min_gram_length": 1,
        "max_gram_length": 2 if pairs else 1,
        "max_skip_count": 0,
        "pool_strings": [*singles, *(word for pair in pairs for word in pair)],
        "ngram_counts": [0, len(singles)] if pairs else [0],
        "ngram_indexes": columns,
        "weights": [chance.uniform(0.1, 3.0) for _ in columns],
    }
    kept = {name: value for name, value in (attributes | other).items() if value is not None}
    return helper.make_node("TfIdfVectorizer", ["words"], ["terms"], **kept)


def model(
    nodes: Sequence[Any], constants: Sequence[Any], *outputs: str, opset: int = 18, ml: int = 0
) -> bytes:
    flat = numpy_helper.from_array(np.array([-1], dtype=np.int64), "flat")
    domains = {"": opset, "com.microsoft": 1} | ({"ai.onnx.ml": ml} if ml else {})
    made = helper.make_model(
        helper.make_graph(
            [*split(), *nodes],
            "text",
            [helper.make_tensor_value_info("text", TensorProto.STRING, [None, 1])],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, None])
                for name in outputs or ("answer",)
            ],
            [flat, *constants],
        ),
        opset_imports=[helper.make_opsetid(name, version) for name, version in domains.items()],
        ir_version=9,
    )
    return bytes(made.SerializeToString())


def linear(width: int, labels: int, *, seed: int = 0) -> tuple[list[Any], list[Any]]:
    """Products and squared length of the rows, each as an output, as our own recipe has them."""
    chance = np.random.default_rng(seed)
    return [
        helper.make_node("MatMul", ["terms", "weights"], ["answer"]),
        helper.make_node("Mul", ["terms", "terms"], ["squares"]),
        helper.make_node("MatMul", ["squares", "ones"], ["length"]),
    ], [
        constant("weights", chance.normal(size=(width, labels))),
        constant("ones", np.ones((width, 1))),
    ]


def exported(width: int, labels: int, ending: str, *, seed: int = 0) -> list[Any]:
    """What skl2onnx exports: scaled, normalised, classified."""
    chance = np.random.default_rng(seed)
    return [
        helper.make_node("Mul", ["terms", "idf"], ["scaled"]),
        helper.make_node("Normalizer", ["scaled"], ["unit"], domain="ai.onnx.ml", norm="L2"),
        helper.make_node(
            *("LinearClassifier", ["unit"], ["label", "answer"]),
            domain="ai.onnx.ml",
            classlabels_ints=list(range(labels)),
            coefficients=chance.normal(size=labels * width).tolist(),
            intercepts=chance.normal(size=labels).tolist(),
            multi_class=0,
            post_transform=ending,
        ),
    ]


def answers(file: bytes, texts: Sequence[str], outputs: Sequence[str]) -> list[Any]:
    session = ort.InferenceSession(file)
    column = np.array(texts, dtype=object).reshape(-1, 1)
    return list(session.run(outputs, {"text": column}))


def agree(file: bytes, texts: Sequence[str], *outputs: str, tolerance: float = TOLERANCE) -> None:
    rewritten = with_lookups(file)
    assert b"TfIdfVectorizer" not in rewritten
    onnx.checker.check_model(onnx.load_model_from_string(rewritten))
    for before, after in zip(
        *(answers(one, texts, outputs) for one in (file, rewritten)), strict=True
    ):
        assert before.shape == after.shape
        assert np.allclose(before, after, rtol=tolerance, atol=tolerance)


texts = st.lists(
    st.lists(st.sampled_from([*WORDS, "unknown"]), max_size=12).map(" ".join),
    min_size=1,
    max_size=6,
)
vocabularies = st.tuples(
    st.lists(st.sampled_from(WORDS), min_size=1, unique=True),
    st.lists(st.tuples(*[st.sampled_from(WORDS)] * 2), max_size=8, unique=True),
)


@given(vocabularies, texts, st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_products_and_lengths_are_those_of_the_rows(
    terms: tuple[list[str], list[tuple[str, str]]], given_texts: list[str], labels: int
) -> None:
    nodes, constants = linear(len(terms[0]) + len(terms[1]), labels)
    file = model([vectorizer(*terms), *nodes], constants, "answer", "length")
    # Sums of float32 in another order; a wrong term would differ by about one.
    agree(file, given_texts, "answer", "length", tolerance=1e-5)


@pytest.mark.thorough
@given(vocabularies, texts, st.sampled_from([(2, "LOGISTIC"), (3, "SOFTMAX"), (3, "NONE")]))
@settings(max_examples=60, deadline=None)
def test_a_model_that_skl2onnx_exported_answers_the_same(
    terms: tuple[list[str], list[tuple[str, str]]], given_texts: list[str], head: tuple[int, str]
) -> None:
    width = len(terms[0]) + len(terms[1])
    nodes = [vectorizer(*terms, mode="TF", weights=None), *exported(width, *head)]
    idf = constant("idf", np.random.default_rng(1).uniform(1, 5, size=width))
    agree(model(nodes, [idf], ml=1), given_texts, "answer")


def test_a_long_text_is_answered_without_a_long_row() -> None:
    nodes, constants = linear(6, 2)
    # Plain counts: rows add their weights up, occurrence by occurrence, and lose more than we do.
    counting = vectorizer(WORDS, [], mode="TF", weights=None)
    file = model([counting, *nodes], constants, "answer", "length")
    long = " ".join(random.Random(3).choices(WORDS, k=100_000))
    agree(file, [long, "good"], "answer", "length", tolerance=1e-5)


@pytest.mark.parametrize("weight", [1e-18, 1e-13, 1.0, 1e13])
def test_lengths_of_any_size_divide_as_they_do_in_rows(weight: float) -> None:
    nodes = [vectorizer(WORDS, [], mode="TF", weights=None), *exported(6, 3, "SOFTMAX")]
    file = model(nodes, [constant("idf", np.full(6, weight))], ml=1)
    agree(file, ["good good day", "", "price unknown"], "answer")


def test_a_model_of_two_texts_is_rewritten_for_both() -> None:
    nodes = [vectorizer(WORDS, []), linear(6, 2)[0][0]]
    second = [vectorizer(WORDS, [("not", "good")]), linear(7, 2)[0][0]]
    for node in second:
        node.output[0] += " too"
    second[1].input[:] = ["terms too", "more weights"]
    both = helper.make_node("Add", ["answer", "answer too"], ["sum"])
    more = constant("more weights", np.random.default_rng(2).normal(size=(7, 2)))
    file = model([*nodes, *second, both], [linear(6, 2)[1][0], more], "sum")
    agree(file, ["not good", "", "bad day not good price"], "sum")


def as_large_as_many_terms(file: bytes) -> bytes:
    proto = onnx.load_model_from_string(file)
    proto.doc_string = "x" * 100_000
    return bytes(proto.SerializeToString())


def test_a_session_of_a_large_model_is_opened_with_look_ups() -> None:
    nodes, constants = linear(6, 2)
    file = as_large_as_many_terms(model([vectorizer(WORDS, []), *nodes], constants, "answer"))
    session = open_session(file, 1)
    (answer,) = session.run(None, {"text": np.array([["good day"], [""]], dtype=object)})
    assert np.allclose(answer, answers(file, ["good day", ""], ["answer"])[0], atol=TOLERANCE)


ROWS, ROW_CONSTANTS = linear(6, 2)
PLAIN = vectorizer(WORDS, [])
SUBLINEAR = [
    helper.make_node("Add", ["terms", "one"], ["more"]),
    helper.make_node("Log", ["more"], ["logs"]),
    helper.make_node("MatMul", ["logs", "weights"], ["answer"]),
]
LEFT_ALONE = {
    "the rows are an output": model([PLAIN, *ROWS], ROW_CONSTANTS, "answer", "terms"),
    "the rows' squares are an output": model([PLAIN, *ROWS], ROW_CONSTANTS, "answer", "squares"),
    "something else reads the rows": model(
        [PLAIN, *SUBLINEAR], [*ROW_CONSTANTS, constant("one", 1.0)]
    ),
    "weights are no constant": model(
        [PLAIN, helper.make_node("Identity", ["table"], ["weights"]), ROWS[0]],
        [constant("table", np.ones((6, 2)))],
    ),
    "many labels": model([PLAIN, linear(6, 129)[0][0]], linear(6, 129)[1]),
    "many labels, and lengths": model([PLAIN, *linear(6, 33)[0]], linear(6, 33)[1]),
    "skipped words": model([vectorizer(WORDS, [("not", "good")], max_skip_count=1), ROWS[0]],
                           linear(7, 2)[1]),
    "pairs alone": model([vectorizer(WORDS, [("not", "good")], min_gram_length=2), ROWS[0]],
                         linear(7, 2)[1]),
    "presence instead of counts": model([vectorizer(WORDS, [], mode="IDF"), *ROWS], ROW_CONSTANTS),
    "weights of another number": model(
        [vectorizer(WORDS, [], weights=[1.0, 2.0]), *ROWS], ROW_CONSTANTS
    ),
    "a term twice": model([vectorizer([*WORDS[:5], "good"], []), *ROWS], ROW_CONSTANTS),
    "an old opset": model([PLAIN, *ROWS], ROW_CONSTANTS, opset=15),
    "a jump at zero": model(
        [vectorizer(WORDS, [], mode="TF", weights=None), *exported(6, 3, "SOFTMAX_ZERO")],
        [constant("idf", np.ones(6))], ml=1,
    ),
    "a constant twice": model(
        [PLAIN, *ROWS], [*ROW_CONSTANTS, constant("weights", np.ones((6, 2)))]
    ),
    "a constant that is no number": model(
        [PLAIN, ROWS[0]], [constant("weights", np.full((6, 2), np.nan))]
    ),
    "a constant that is infinite": model(
        [PLAIN, ROWS[0]], [constant("weights", np.full((6, 2), np.inf))]
    ),
    "a factor with more axes": model(
        [PLAIN, helper.make_node("Mul", ["terms", "factor"], ["scaled"]),
         helper.make_node("MatMul", ["scaled", "weights"], ["answer"])],
        [constant("factor", np.ones((1, 1, 1))), ROW_CONSTANTS[0]],
    ),
    "a name of ours": model(
        [PLAIN, ROWS[0], helper.make_node("Identity", ["answer"], ["/lookups/0/counts"])],
        ROW_CONSTANTS[:1],
    ),
    "a column far away": model(
        [vectorizer(WORDS, [], ngram_indexes=[0, 1, 2, 3, 4, 2**40]), *ROWS], ROW_CONSTANTS
    ),
    "not a model": b"TfIdfVectorizer, but no model",
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_is_not_known_is_left_alone(name: str) -> None:
    file = LEFT_ALONE[name]
    assert with_lookups(file) is file


def test_what_is_wrong_with_a_model_is_still_said() -> None:
    with pytest.raises(GraphRefused, match="not an ONNX file"):
        open_session(LEFT_ALONE["not a model"], 1)


@pytest.mark.thorough
def test_a_model_that_cannot_be_rewritten_is_loaded_as_it_is() -> None:
    """More factors in a row than can be followed: an exception that nobody foresaw."""
    chain = [helper.make_node("Mul", ["terms", "one"], ["scaled 0"])]
    chain += [
        helper.make_node("Mul", [f"scaled {i}", "one"], [f"scaled {i + 1}"]) for i in range(1100)
    ]
    last = helper.make_node("MatMul", ["scaled 1100", "weights"], ["answer"])
    file = model([PLAIN, *chain, last], [constant("one", 1.0), ROW_CONSTANTS[0]])
    file = as_large_as_many_terms(file)
    # What numpy makes of it in the depth is an ImportError.
    with pytest.raises((RecursionError, ImportError)):
        with_lookups(file)
    (answer,) = open_session(file, 1).run(None, {"text": np.array([["good day"]], dtype=object)})
    assert np.allclose(answer, answers(file, ["good day"], ["answer"])[0])


PARTS = st.lists(st.text("ab c", min_size=2, max_size=5), min_size=1, max_size=12, unique=True)


def of_characters(names: Sequence[str], labels: int) -> bytes:
    """A model of parts of texts, two to five characters long, with a space around each text."""
    by_length = [[name for name in names if len(name) == length] for length in range(1, 6)]
    sizes = [sum(map(len, found)) for found in by_length]
    counting: dict[str, Any] = {
        "mode": "TF",
        "min_gram_length": 2,
        "max_gram_length": 5,
        "max_skip_count": 0,
        "pool_strings": [letter for found in by_length for name in found for letter in name],
        "ngram_counts": [sum(sizes[:length]) for length in range(5)],
        "ngram_indexes": random.Random(1).sample(range(len(names)), len(names)),
    }
    tokenizer: dict[str, Any] = {"mark": 0, "mincharnum": 1, "pad_value": "##", "separators": [""]}
    split = [
        helper.make_node("Reshape", ["text", "flat"], ["line"]),
        helper.make_node("StringConcat", ["space", "line"], ["begun"]),
        helper.make_node("StringConcat", ["begun", "space"], ["spaced"]),
        helper.make_node("Tokenizer", ["spaced"], ["letters"], domain="com.microsoft", **tokenizer),
        helper.make_node("TfIdfVectorizer", ["letters"], ["terms"], **counting),
        linear(len(names), labels)[0][0],
    ]
    space = numpy_helper.from_array(np.array([" "], dtype=object), "space")
    proto = onnx.load_model_from_string(
        model([], [space, linear(len(names), labels)[1][0]], opset=20)
    )
    del proto.graph.node[:]
    proto.graph.node.extend(split)
    return bytes(proto.SerializeToString())


@given(PARTS, st.lists(st.text("ab cd", max_size=20), min_size=1, max_size=5), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_parts_of_words_are_looked_up_by_their_beginnings(
    names: list[str], given_texts: list[str], labels: int
) -> None:
    agree(of_characters(names, labels), given_texts, "answer", tolerance=1e-5)


@pytest.mark.parametrize("labels", [3, 12])
@pytest.mark.parametrize("letters", [500, 520, 20_000])
def test_a_long_text_is_counted_instead(labels: int, letters: int) -> None:
    names = ["ab", "abc", "cab", "bcab", "abcab", " a"]
    file = of_characters(names, labels)
    agree(file, ["abc" * (letters // 3), "cab", ""], "answer", tolerance=1e-5)


def test_one_vectorizer_is_rewritten_where_another_is_not_known() -> None:
    nodes = [vectorizer(WORDS, []), linear(6, 2)[0][0]]
    second = [vectorizer(WORDS, [], mode="IDF"), linear(6, 2)[0][0]]
    for node in second:
        node.output[0] += " too"
    second[1].input[0] = "terms too"
    both = helper.make_node("Add", ["answer", "answer too"], ["sum"])
    file = model([*nodes, *second, both], [linear(6, 2)[1][0]], "sum")
    rewritten = with_lookups(file)
    assert rewritten.count(b"TfIdfVectorizer") == 1
    for before, after in zip(
        *(answers(one, ["not good", "", "bad day"], ["sum"]) for one in (file, rewritten)),
        strict=True,
    ):
        assert np.allclose(before, after, atol=TOLERANCE)
