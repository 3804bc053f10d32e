"""Recipe `tabular`: numbers and categories; linear or boosted trees, by cross-validation.

Values may be missing, and categories may be ones that no training row has.
"""

from typing import Any

from services.trainer.recipes.columns import Columns
from services.trainer.recipes.matrices import (
    PARITY_ROWS,
    fit_on_features,
    linear_candidates,
    tree_candidates,
)
from services.trainer.recipes.parity import spread
from services.trainer.recipes.recipe import (
    FittedModel,
    Progress,
    Recipe,
    RecipeOfTypes,
    TrainingData,
    silent,
)
from shared.fields.category import CategoryField
from shared.fields.number import NumberField


def fit_tabular(data: TrainingData, *, seed: int = 0, progress: Progress = silent) -> FittedModel:
    """Compare the candidates by cross-validated log loss, fit the best, export and check it.

    Raises
    ------
    RecipeRefused
        Too few labels (`assign_folds`), a number too large for float32, or a graph that does not
        answer as the pipeline does.
    """
    columns = Columns.of(data.rows, data.fields, data.specs)
    return fit_on_features(
        "tabular",
        data,
        columns,
        columns.matrix(data.rows),
        linear_candidates(0.03, 0.3, 3.0) | tree_candidates(data, seed),
        checked=[*spread(data.rows, PARITY_ROWS), *_unknown_rows(data)],
        seed=seed,
        progress=progress,
    )


def _unknown_rows(data: TrainingData) -> list[dict[str, Any]]:
    """Return rows in which optional values are missing, and categories are as rare as can be."""
    rows = []
    for name in data.fields:
        spec = data.specs[name]
        if spec.optional:
            rows.append(data.rows[0] | {name: None})
        if isinstance(spec, CategoryField):
            rows += [data.rows[0] | {name: value} for value in (spec.values or [])[:20]]
    return rows


RECIPE: Recipe = RecipeOfTypes("tabular", (NumberField, CategoryField), fit_tabular)
