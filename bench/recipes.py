"""What each recipe makes of the same labels, and what `auto` chooses: ``python -m bench recipes``.

For each data set, size and seed, every recipe that learns from the fields is fitted on the first
labels of a random order. The next items, at most 1,000, say how often each model is right, and what
share it could answer at the target at best. From the rest, 500 labels are drawn for a certification
by the trainer's own functions, which the same 1,000 items judge. `auto` sees out-of-fold
predictions alone. Beside the recipes stands the `text-linear` of before, of words alone.
"""

import argparse
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.certifying import LABELS, Certified, Judged, certified
from bench.earlier_recipes import NAME as BEFORE
from bench.earlier_recipes import WORDS_ALONE
from bench.labelled_sets import SETS, Labelled
from bench.recipe_figures import Figures, drawn, keep
from bench.remembered import fit_remembering, probabilities_of
from bench.serving.report import table
from services.trainer.recipes.auto import RecipeTrial, choose, fitting, resampled
from services.trainer.recipes.recipe import (
    BoolArray,
    FittedModel,
    Float32Array,
    FloatArray,
    Recipe,
    RecipeComparison,
    TrainingData,
)
from services.trainer.runs.comparing import predicted_coverage
from shared.contracts.versions import ModelInput, ModelInterface
from shared.fields.text import TextField
from shared.graphs.graph import Graph

SIZES, SEEDS, TARGET, STRICTER = (500, 1_000, 2_000), 5, 0.9, 0.95
_EMBEDDING = "text-embedding"
_MOST_TESTED, _MOST_DRAWN_FROM = 1_000, 2_000
_LEAST_TESTED = 500
_TIMED = 32

Score = Callable[[list[dict[str, Any]]], Float32Array]


@dataclass(frozen=True)
class Outcome:
    """One recipe on one draw: on items that were left out, in [0, 1], and its cost.

    `certified` has the certificate by the promised accuracy; it is empty with too few items.
    """

    accuracy: float
    best_share: float
    candidate: RecipeTrial
    micros: float
    certified: dict[float, Certified]


def main(arguments: list[str]) -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench recipes", description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--target", type=float, default=TARGET, help="promised accuracy")
    parser.add_argument("--keep", type=Path, help="add each draw's figures to this file, in JSON")
    parser.add_argument("--plot", type=Path, help="only write what --keep kept as an SVG, to this")
    asked = parser.parse_args(arguments)
    if asked.plot is not None:
        asked.plot.write_text(drawn(asked.keep))
        return
    for name in asked.sets:
        labelled = SETS[name]()
        for size in asked.sizes:
            if len(labelled.rows) - size < _LEAST_TESTED:
                continue
            draws = [compare(labelled, size, seed, asked.target) for seed in range(asked.seeds)]
            print(f"\n{name}, {size} labels, mean of {asked.seeds} draws", flush=True)
            print(_table(draws, asked.target), flush=True)
            if asked.keep is not None:
                keep(asked.keep, [_figures(name, size, each) for each in _by_name(draws).items()])


def compare(labelled: Labelled, size: int, seed: int, target: float) -> dict[str, Outcome]:
    """Fit every recipe on `size` labels, and try it on items that were left out."""
    order = np.random.default_rng(seed).permutation(len(labelled.rows)).tolist()
    classes = sorted(set(labelled.labels))
    found = {}
    for name, recipe in _recipes(labelled).items():
        fields = recipe.learns_from(labelled.fields)
        data = TrainingData(
            rows=[{field: labelled.rows[i][field] for field in fields} for i in order[:size]],
            labels=[labelled.labels[i] for i in order[:size]],
            weights=np.ones(size),
            fields=fields,
            classes=classes,
            specs={field: labelled.fields[field] for field in fields},
        )
        began = time.monotonic()
        fitted, score = _fitted(name, recipe, data, seed)
        comparison = RecipeComparison(partial(predicted_coverage, terms=_terms(target)), math.inf)
        candidate = RecipeTrial(
            name,
            "fitted",
            time.monotonic() - began,
            coverage=comparison.coverage(fitted.scores, fitted.correct),
            resampled=resampled(comparison.coverage, fitted.scores, fitted.correct),
            accuracy=fitted.metrics["accuracy"],
            model_bytes=len(fitted.onnx),
            fitted=fitted,
        )
        found[name] = _outcome(candidate, fitted, score, labelled, order[size:], data, target, seed)
    return found


def _terms(target: float) -> dict[str, Any]:
    return {"alpha": 1 - target, "delta": 0.05, "labels": LABELS, "draws": 3}


def _recipes(labelled: Labelled) -> dict[str, Recipe]:
    has_texts = any(isinstance(spec, TextField) for spec in labelled.fields.values())
    before: dict[str, Recipe] = {BEFORE: WORDS_ALONE} if has_texts else {}
    return before | fitting(labelled.fields)


def _interface(fitted: FittedModel, data: TrainingData) -> ModelInterface:
    return ModelInterface(
        labels=data.classes,
        inputs=[ModelInput.model_validate(entry) for entry in fitted.inputs],
        outputs={"probabilities": fitted.output},
    )


def _fitted(name: str, recipe: Recipe, data: TrainingData, seed: int) -> tuple[FittedModel, Score]:
    """Fit; return the model, and what gives its probabilities."""
    if name == _EMBEDDING:
        fitted, embedder = fit_remembering(data, seed)
        interface = _interface(fitted, data)
        return fitted, lambda rows: probabilities_of(fitted, interface, data, embedder, rows)
    fitted = recipe.fit(data, seed=seed, progress=lambda _share, _message: None)
    return fitted, Graph(fitted.onnx, _interface(fitted, data), data.specs).run


def _outcome(
    candidate: RecipeTrial,
    fitted: FittedModel,
    score: Score,
    labelled: Labelled,
    left_out: Sequence[int],
    data: TrainingData,
    target: float,
    seed: int,
) -> Outcome:
    tested = left_out[:_MOST_TESTED]
    pool = left_out[_MOST_TESTED:][:_MOST_DRAWN_FROM]
    others = _judged(score, labelled, tested, data)
    graph = Graph(fitted.onnx, _interface(fitted, data), data.specs)
    timed = [labelled.rows[i] for i in tested[:_TIMED]]
    began = time.perf_counter()
    graph.run(timed)
    micros = 1e6 * (time.perf_counter() - began) / len(timed)
    certificates = {}
    if len(pool) >= LABELS:
        drawn_from = _judged(score, labelled, pool, data)
        for promised in (target, STRICTER):
            rng = np.random.default_rng(seed)
            certificates[promised] = certified(fitted, drawn_from, others, promised, rng)
    share = best_share(others.scores.astype(np.float64), others.right, target)
    return Outcome(float(others.right.mean()), share, candidate, micros, certificates)


def _judged(score: Score, labelled: Labelled, places: Sequence[int], data: TrainingData) -> Judged:
    probabilities = score([{f: labelled.rows[i][f] for f in data.fields} for i in places])
    index = {label: column for column, label in enumerate(data.classes)}
    truth = np.array([index[labelled.labels[i]] for i in places])
    return Judged(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)


def best_share(scores: FloatArray, right: BoolArray, target: float) -> float:
    """Return the largest share, in [0, 1], of the surest items that are right as often as promised.

    Examples
    --------
    >>> best_share(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, False]), 0.6)
    0.75
    """
    hits = np.cumsum(right[np.argsort(-scores, kind="stable")])
    enough = np.flatnonzero(hits >= target * np.arange(1, len(hits) + 1))
    return float((enough[-1] + 1) / len(hits)) if len(enough) else 0.0


def choice(draw: Mapping[str, Outcome]) -> Outcome:
    """Return the outcome of the recipe that `auto` chooses."""
    candidates = [one.candidate for name, one in draw.items() if name != BEFORE]
    return draw[choose(candidates).recipe]


def _by_name(draws: Sequence[dict[str, Outcome]]) -> dict[str, list[Outcome]]:
    chosen = [choice(draw) for draw in draws]
    return {name: [draw[name] for draw in draws] for name in draws[0]} | {"auto": chosen}


def _table(draws: Sequence[dict[str, Outcome]], target: float) -> str:
    chosen = [choice(draw) for draw in draws]
    rows = []
    for name, outcomes in _by_name(draws).items():
        times = sum(one.candidate.recipe == name for one in chosen)
        rows.append(
            (
                name,
                f"{100 * _mean([one.accuracy for one in outcomes]):.1f} %",
                f"{100 * _mean([one.best_share for one in outcomes]):.1f} %",
                f"{100 * _mean([one.candidate.coverage or 0 for one in outcomes]):.1f} %",
                _certified(outcomes, target),
                _certified(outcomes, STRICTER),
                "" if name in ("auto", BEFORE) else f"{times} of {len(draws)}",
                f"{_mean([one.micros for one in outcomes]):.0f}",
                f"{_mean([one.candidate.model_bytes or 0 for one in outcomes]) / 1e6:.2f}",
            )
        )
    certificates = (f"certified at {100 * one:g} % (wrong)" for one in (target, STRICTER))
    heads = ("recipe", "right", "best share at the target", "predicted certified share")
    return table([*heads, *certificates, "chosen", "µs an item", "MB"], rows)


def _certified(outcomes: Sequence[Outcome], target: float) -> str:
    """Say what was answered on average, and how much of that was wrong at worst."""
    found = [one.certified[target] for one in outcomes if target in one.certified]
    if not found:
        return ""
    share = 100 * _mean([one.share for one in found])
    return f"{share:.1f} % ({100 * max(one.wrong for one in found):.1f} %)"


def _figures(name: str, size: int, found: tuple[str, list[Outcome]]) -> Figures:
    recipe, outcomes = found
    return Figures(
        set=name,
        labels=size,
        recipe=recipe,
        right=[one.accuracy for one in outcomes],
        chosen=[one.candidate.recipe for one in outcomes],
        certified=[
            {str(target): (one.share, one.wrong) for target, one in each.certified.items()}
            for each in outcomes
        ],
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
