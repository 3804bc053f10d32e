"""What weights of labels do to a model: ``python -m bench weights``.

Three cases, each with a test on up to 1,000 items of the traffic that no fit has seen. `random`:
all labels are a uniform draw, so all weights are 1. `routed`: a first model answers the surer half
of the traffic, of which people see 5 %, and people label the other half. `margin`: people label
the items of the smallest margins, and one more in ten at random. In both, the labels are fitted
with 1 / propensity up to a cap. `drift`: many labels of one kind of text and few of another, which
is now the traffic; the older labels have a weight.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.labelled_sets import Labelled, films, posts, reviews
from bench.serving.report import table
from services.trainer.recipes.recipe import FittedModel, FloatArray, IntArray, TrainingData
from services.trainer.recipes.text_linear import fit_text_linear
from shared.contracts.versions import ModelInput, ModelInterface
from shared.fields.text import TextField
from shared.graphs.graph import Graph

CAPS, OLDER = (1.0, 3.0, 10.0), (1.0, 0.5, 0.25, 0.01)
SETS = {"posts": posts, "reviews": reviews, "films": films}
_TESTED, _FIRST, _STREAM, _AUDITED = 1_000, 300, 1_200, 0.05
_BATCH, _OLD, _NEW = 300, 800, 150


def _data(found: Labelled, at: Sequence[int], weights: FloatArray | None = None) -> TrainingData:
    return TrainingData(
        rows=[{"text": found.rows[place]["text"]} for place in at],
        labels=[found.labels[place] for place in at],
        weights=np.ones(len(at)) if weights is None else weights,
        fields=["text"],
        classes=sorted(set(found.labels)),
        specs={"text": TextField()},
    )


def _probabilities(fitted: FittedModel, data: TrainingData) -> FloatArray:
    interface = ModelInterface(
        labels=data.classes,
        inputs=[ModelInput.model_validate(one) for one in fitted.inputs],
        outputs={"probabilities": fitted.output},
    )
    graph = Graph(fitted.onnx, interface, data.specs)
    return np.vstack([graph.run(data.rows[at : at + 100]) for at in range(0, len(data.rows), 100)])


def _measured(fitted: FittedModel, test: TrainingData) -> tuple[float, float]:
    """Return accuracy and log loss on the test."""
    found = _probabilities(fitted, test)
    own = found[np.arange(len(test.labels)), test.targets]
    right = float((found.argmax(axis=1) == test.targets).mean())
    return right, float(-np.log(np.maximum(own, 1e-7)).mean())


def _routed(found: FloatArray, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """Return places that people label of a stream, and with what chance each was."""
    confidence = found.max(axis=1)
    answered = confidence >= np.median(confidence)
    chance = np.where(answered, _AUDITED, 1.0)
    at = np.flatnonzero(rng.random(len(found)) < chance)
    return at, chance[at]


def _margin(found: FloatArray, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    ordered = np.sort(found, axis=1)
    order = np.argsort(ordered[:, -1] - ordered[:, -2])
    chosen, rest = order[:_BATCH], order[_BATCH:]
    drawn = rng.choice(rest, _BATCH // 10, replace=False)
    chance = np.concatenate([np.ones(_BATCH), np.full(len(drawn), len(drawn) / len(rest))])
    return np.concatenate([chosen, drawn]), chance


def of_choices(found: Labelled, seed: int) -> list[tuple[str, str, float, float]]:
    """Return case, cap, accuracy and log loss."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(found.rows))
    test, first = order[:_TESTED], order[_TESTED : _TESTED + _FIRST]
    stream = order[_TESTED + _FIRST :][:_STREAM]
    model = fit_text_linear(_data(found, first.tolist()))
    tested, said = _data(found, test.tolist()), _probabilities(model, _data(found, stream.tolist()))
    rows = [("first", "1", *_measured(model, tested))]
    for case, choose in (("routed", _routed), ("margin", _margin)):
        at, chance = choose(said, rng)
        labelled = [*first.tolist(), *stream[at].tolist()]
        for cap in CAPS:
            weights = np.minimum(np.concatenate([np.ones(len(first)), 1 / chance]), cap)
            fitted = fit_text_linear(_data(found, labelled, weights))
            rows.append((case, f"{cap:g}", *_measured(fitted, tested)))
    drawn = [*first.tolist(), *stream[: len(at)].tolist()]
    rows.append(("random", "1", *_measured(fit_text_linear(_data(found, drawn)), tested)))
    return rows


def of_drift(old: Labelled, new: Labelled, seed: int) -> list[tuple[str, str, float, float]]:
    """Return case, weight of older labels, accuracy and log loss; and what `chosen` gets."""
    rng = np.random.default_rng(seed)
    before = rng.permutation(len(old.rows))[:_OLD].tolist()
    order = rng.permutation(len(new.rows))
    test, since = order[:_TESTED], order[_TESTED : _TESTED + _NEW].tolist()
    tested, rows = _data(new, test.tolist()), []
    recent = _data(new, since)
    both = _data(old, before)
    joined = replace(
        both,
        rows=[*both.rows, *recent.rows],
        labels=[*both.labels, *recent.labels],
        weights=np.ones(len(before) + len(since)),
        classes=sorted(set(both.classes) | set(recent.classes)),
    )
    tested = replace(tested, classes=joined.classes)
    losses: dict[int, float] = {}
    for place, weight in enumerate(OLDER):
        weights = np.concatenate([np.full(len(before), weight), np.ones(len(since))])
        fitted = fit_text_linear(replace(joined, weights=weights))
        rows.append(("drift", f"{weight:g}", *_measured(fitted, tested)))
        assert fitted.label_scores is not None
        losses[place] = float(-np.log(np.maximum(fitted.label_scores[len(before) :], 1e-7)).mean())
    best = min(losses, key=lambda place: losses[place])
    return [*rows, ("drift", "chosen", *rows[best][2:])]


def main(arguments: list[str]) -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench weights", description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args(arguments)
    for name in asked.sets:
        found = SETS[name]()
        _print(name, [of_choices(found, seed) for seed in range(asked.seeds)])
    pairs = {"posts, then reviews": (posts, reviews), "films, then posts": (films, posts)}
    for name, (old, new) in pairs.items():
        _print(name, [of_drift(old(), new(), seed) for seed in range(asked.seeds)])


def _print(name: str, draws: list[list[tuple[str, str, float, float]]]) -> None:
    print(f"\n{name}, mean of {len(draws)} draws (standard deviation)", flush=True)
    rows: list[list[Any]] = []
    for of_draws in zip(*draws, strict=True):
        case, cap = of_draws[0][:2]
        right, loss = np.array([one[2] for one in of_draws]), np.array([one[3] for one in of_draws])
        rows.append(
            [case, cap, f"{right.mean():.4f} ({right.std():.4f})", f"{loss.mean():.4f}"],
        )
    print(table(["labels", "weight", "accuracy", "log loss"], rows), flush=True)


if __name__ == "__main__":
    main([])
