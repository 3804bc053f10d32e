"""What each recipe makes of the same labels, and what `auto` chooses: ``python -m bench recipes``.

For each data set, size and seed, every recipe that learns from the fields is fitted on the first
labels of a random order. The rest, at most 2,000 items, says how often each model is right, and
what share it could answer at the target at best. `auto` sees out-of-fold predictions alone.
"""

import argparse
import base64
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from bench.package_texts import package_texts
from bench.serving.plot import Bar, bars
from bench.serving.report import table
from services.demo.texts import RatedText, load_texts
from services.local.seeding import cache_folder
from services.trainer.recipes.auto import Candidate, choose, fitting
from services.trainer.recipes.recipe import BoolArray, FittedModel, FloatArray, TrainingData
from services.trainer.runs.comparing import predicted_coverage
from shared.contracts.versions import ModelInput, ModelInterface
from shared.fields.image import ImageField
from shared.fields.number import NumberField
from shared.fields.spec import FieldSpec
from shared.fields.text import TextField
from shared.fields.vector import VectorField
from shared.graphs.graph import Graph

SIZES, SEEDS, TARGET = (500, 1_000, 2_000), 5, 0.9
_MOST_TESTED = 2_000
_LEAST_TESTED = 500


@dataclass(frozen=True)
class Labelled:
    """Rows of a project with their labels."""

    fields: dict[str, FieldSpec]
    rows: list[dict[str, Any]]
    labels: list[str]


@dataclass(frozen=True)
class Outcome:
    """One recipe on one draw: on items that were left out, in [0, 1], and its cost."""

    accuracy: float
    best_share: float
    candidate: Candidate
    micros: float
    load_millis: float


def _texts(texts: Sequence[RatedText]) -> Labelled:
    rows = [
        {"text": one.text, "length": float(len(one.text)), "shouts": float(one.text.count("!"))}
        for one in texts
    ]
    fields = {"text": TextField(), "length": NumberField(), "shouts": NumberField()}
    return Labelled(fields, rows, [one.majority for one in texts])


def posts() -> Labelled:
    """Return social posts, with two numbers beside each text."""
    return _texts(load_texts(cache_folder()).posts)


def films() -> Labelled:
    """Return sentences of film reviews, with two numbers beside each text."""
    return _texts(load_texts(cache_folder()).films)


def reviews() -> Labelled:
    """Return sentences of product reviews, with two numbers beside each text."""
    return _texts(load_texts(cache_folder()).reviews)


def packages() -> Labelled:
    """Return descriptions of Debian packages, with some 50 sections as labels."""
    found = package_texts()
    return Labelled(
        {"text": TextField()}, [{"text": text} for text, _ in found], [label for _, label in found]
    )


def digits() -> Labelled:
    """Return scanned digits, as a picture, as a vector and as the darkness of each quarter."""
    found = load_digits()
    rows = []
    for flat in found.data:
        square = flat.reshape(8, 8)
        file = io.BytesIO()
        Image.fromarray((square * 15.9).astype(np.uint8)).save(file, "PNG")
        parts = [square[i : i + 4, j : j + 4].mean() for i in (0, 4) for j in (0, 4)]
        rows.append(
            {
                "picture": base64.b64encode(file.getvalue()).decode(),
                "pixels": flat.tolist(),
                **{f"quarter_{i}": float(part) for i, part in enumerate(parts)},
            }
        )
    fields: dict[str, FieldSpec] = {"picture": ImageField(), "pixels": VectorField(length=64)}
    fields |= {f"quarter_{i}": NumberField() for i in range(4)}
    return Labelled(fields, rows, [str(one) for one in found.target])


SETS: dict[str, Callable[[], Labelled]] = {
    "posts": posts,
    "reviews": reviews,
    "films": films,
    "packages": packages,
    "digits": digits,
}


def main(arguments: list[str]) -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench recipes", description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--target", type=float, default=TARGET, help="promised accuracy")
    parser.add_argument("--plot", type=Path, help="write the accuracies as an SVG to this file")
    asked = parser.parse_args(arguments)
    drawn: list[Bar] = []
    for name in asked.sets:
        labelled = SETS[name]()
        for size in asked.sizes:
            if len(labelled.rows) - size < _LEAST_TESTED:
                continue
            draws = [compare(labelled, size, seed, asked.target) for seed in range(asked.seeds)]
            print(f"\n{name}, {size} labels, mean of {asked.seeds} draws", flush=True)
            print(_table(draws), flush=True)
            drawn += _bars(f"{name}, {size}", draws)
    if asked.plot is not None:
        asked.plot.write_text(bars("Right on items that were left out, in %", drawn))


def compare(labelled: Labelled, size: int, seed: int, target: float) -> dict[str, Outcome]:
    """Fit every recipe on `size` labels, and try it on items that were left out."""
    order = np.random.default_rng(seed).permutation(len(labelled.rows)).tolist()
    known, tested = order[:size], order[size : size + _MOST_TESTED]
    classes = sorted(set(labelled.labels))
    terms = {"alpha": 1 - target, "delta": 0.05, "labels": 500, "draws": 3}
    found = {}
    for name, recipe in fitting(labelled.fields).items():
        fields = recipe.learns_from(labelled.fields)
        data = TrainingData(
            rows=[{field: labelled.rows[i][field] for field in fields} for i in known],
            labels=[labelled.labels[i] for i in known],
            weights=np.ones(size),
            fields=fields,
            classes=classes,
            specs={field: labelled.fields[field] for field in fields},
        )
        began = time.monotonic()
        fitted = recipe.fit(data, seed=seed, progress=lambda _share, _message: None)
        candidate = Candidate(
            name,
            "fitted",
            time.monotonic() - began,
            coverage=predicted_coverage(fitted.scores, fitted.correct, terms),
            accuracy=fitted.metrics["accuracy"],
            model_bytes=len(fitted.onnx),
            fitted=fitted,
        )
        found[name] = _outcome(candidate, fitted, data, labelled, tested, target)
    return found


def _outcome(
    candidate: Candidate,
    fitted: FittedModel,
    data: TrainingData,
    labelled: Labelled,
    tested: Sequence[int],
    target: float,
) -> Outcome:
    interface = ModelInterface(
        labels=data.classes,
        inputs=[ModelInput.model_validate(entry) for entry in fitted.inputs],
        outputs={"probabilities": fitted.output},
    )
    began = time.perf_counter()
    graph = Graph(fitted.onnx, interface, data.specs)
    load_millis = 1e3 * (time.perf_counter() - began)
    rows = [labelled.rows[i] for i in tested]
    began = time.perf_counter()
    probabilities = graph.run(rows)
    micros = 1e6 * (time.perf_counter() - began) / len(rows)
    truth = np.array([data.classes.index(labelled.labels[i]) for i in tested])
    right = probabilities.argmax(axis=1) == truth
    share = best_share(probabilities.max(axis=1).astype(np.float64), right, target)
    return Outcome(float(right.mean()), share, candidate, micros, load_millis)


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


def _bars(at: str, draws: Sequence[dict[str, Outcome]]) -> list[Bar]:
    return [
        Bar(
            f"{at} labels: {recipe}",
            100 * float(np.mean([draw[recipe].accuracy for draw in draws])),
            ours=recipe == "text-embedding",
        )
        for recipe in draws[0]
    ]


def choice(draw: dict[str, Outcome]) -> Outcome:
    """Return the outcome of the recipe that `auto` chooses."""
    return draw[choose([one.candidate for one in draw.values()]).recipe]


def _table(draws: Sequence[dict[str, Outcome]]) -> str:
    chosen = [choice(draw) for draw in draws]
    by_name = {name: [draw[name] for draw in draws] for name in draws[0]} | {"auto": chosen}
    rows = []
    for name, outcomes in by_name.items():
        times = sum(one.candidate.recipe == name for one in chosen)
        rows.append(
            (
                name,
                f"{100 * np.mean([one.accuracy for one in outcomes]):.1f} %",
                f"{100 * np.mean([one.best_share for one in outcomes]):.1f} %",
                f"{100 * np.mean([one.candidate.coverage or 0 for one in outcomes]):.1f} %",
                "" if name == "auto" else f"{times} of {len(draws)}",
                f"{np.mean([one.candidate.seconds for one in outcomes]):.1f}",
                f"{np.mean([one.micros for one in outcomes]):.0f}",
                f"{np.mean([one.load_millis for one in outcomes]):.0f}",
                f"{np.mean([one.candidate.model_bytes or 0 for one in outcomes]) / 1e6:.2f}",
            )
        )
    heads = ("recipe", "right", "best share at the target", "predicted certified share")
    return table([*heads, "chosen", "fitted in s", "µs an item", "loaded in ms", "MB"], rows)
