"""Could suspects hold up a first run? ``python -m bench first-labels``.

Labels are drawn from a set, right ones and then the same with one in five wrong. A quick recipe is
cross-fitted to them, as the trainer does before there is a version, and suspects are named by its
out-of-fold answers. A bar would need a share of suspects that right labels seldom reach, however
weak the model is, and wrong ones mostly do: of all suspects, or of those whose label is at least
0.5 less probable than the predicted one.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.labelled_sets import Labelled, digits, films, posts, reviews
from bench.page import PAGE, put_between
from bench.serving.report import table
from services.trainer.recipes.head import RECIPE as HEAD
from services.trainer.recipes.recipe import BoolArray, Recipe, TrainingData
from services.trainer.recipes.text_linear import RECIPE as TEXT_LINEAR
from shared.label_errors import find_suspects

_WRONG, _CONFIDENT = 0.2, 0.5
_COUNTS = (50, 100, 200)


@dataclass(frozen=True)
class Named:
    """Of one draw: shares of labels that are suspected, and of the suspects that are wrong."""

    share: float
    confident: float
    right: float


def _load() -> dict[str, tuple[Recipe, Labelled]]:
    return {
        "digits": (HEAD, digits()),
        "posts": (TEXT_LINEAR, posts()),
        "reviews": (TEXT_LINEAR, reviews()),
        "films": (TEXT_LINEAR, films()),
    }


def name_in(
    recipe: Recipe, found: Labelled, labels: int, wrong: float, rng: np.random.Generator
) -> Named:
    """Draw labels, make a share of them wrong, and name suspects."""
    classes = sorted(set(found.labels))
    at = rng.permutation(len(found.rows))[:labels].tolist()
    given = np.array([classes.index(found.labels[place]) for place in at], dtype=np.int64)
    is_wrong: BoolArray = rng.random(labels) < wrong
    given = (given + is_wrong * rng.integers(1, len(classes), labels)) % len(classes)
    fields = recipe.learns_from(found.fields)
    data = TrainingData(
        rows=[{field: found.rows[place][field] for field in fields} for place in at],
        labels=[classes[one] for one in given.tolist()],
        weights=np.ones(labels),
        fields=fields,
        classes=classes,
        specs={field: found.fields[field] for field in fields},
    )
    fitted = recipe.fit(data, seed=0, progress=lambda _share, _words: None)
    assert fitted.predicted is not None
    assert fitted.label_scores is not None
    probabilities = np.zeros((labels, len(classes)))
    probabilities[np.arange(labels), given] = fitted.label_scores
    probabilities[np.arange(labels), fitted.predicted] = fitted.scores
    suspects = find_suspects(given, probabilities)
    named = len(suspects.row)
    return Named(
        share=named / labels,
        confident=float((suspects.margin >= _CONFIDENT).sum()) / labels,
        right=float(is_wrong[suspects.row].mean()) if named else np.nan,
    )


def rows_of(draws: int) -> list[Sequence[str]]:
    """Return the rows of the table, one for each set and number of labels."""
    rows: list[Sequence[str]] = []
    for name, (recipe, found) in _load().items():
        for labels in _COUNTS:
            cell: dict[float, list[Named]] = {
                wrong: [
                    name_in(recipe, found, labels, wrong, np.random.default_rng(seed))
                    for seed in range(draws)
                ]
                for wrong in (0.0, _WRONG)
            }
            right, wrong = cell[0.0], cell[_WRONG]
            rows.append(
                [
                    f"{name}, {labels} labels",
                    _spread([one.share for one in right]),
                    _spread([one.share for one in wrong]),
                    _spread([one.confident for one in right]),
                    _spread([one.confident for one in wrong]),
                    f"{np.nanmean([one.right for one in wrong]):.0%}",
                ]
            )
            print(" | ".join(rows[-1]), flush=True)
    return rows


def _spread(shares: Sequence[float]) -> str:
    low, middle, high = np.quantile(shares, (0.05, 0.5, 0.95))
    return f"{middle:.0%} ({low:.0%} to {high:.0%})"


def main(arguments: list[str]) -> None:
    """Print the table; with `--write` put it into the page."""
    parser = argparse.ArgumentParser(prog="python -m bench first-labels", description=__doc__)
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    header = ["set", "suspects, all right", "suspects, 20 % wrong"]
    header += ["confident, all right", "confident, 20 % wrong", "suspects that are wrong"]
    text = table(header, rows_of(asked.draws))
    if asked.write:
        page = PAGE.parent / "active-learning.md"
        page.write_text(put_between(page.read_text(), "first-labels", text))
