"""Numbers and categories as columns of a matrix, as the exported graph makes them.

A number is a column, NaN where it is not known. A category is one column for each value that the
training rows have, with a 1 in its own; a value that they do not have, or none, has zeros alone.
Numbers are rounded to float32, as the graph gets them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import helper

from services.trainer.recipes.exporting import constant, input_name, input_of
from services.trainer.recipes.recipe import FloatArray, RecipeRefused
from shared.fields.category import CategoryField
from shared.fields.number import NumberField
from shared.fields.spec import FieldSpec

NUMBERS = "number-fields"
"""The input of all number fields side by side; no field can have that name."""
MOST_VALUES = 1_000
"""Of a category the most frequent values are told apart, the others count as unknown."""
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Columns:
    """What each column of the matrix holds: the numbers first, then the categories' values.

    Attributes
    ----------
    numbers : names of number fields
    categories : the values of each category field that have a column, by the field's name
    """

    numbers: list[str]
    categories: dict[str, list[str]]

    @classmethod
    def of(
        cls,
        rows: Sequence[Mapping[str, Any]],
        fields: Sequence[str],
        specs: Mapping[str, FieldSpec],
    ) -> "Columns":
        """Find the columns of the training rows."""
        numbers = [name for name in fields if isinstance(specs[name], NumberField)]
        categories = {}
        for name in fields:
            spec = specs[name]
            if isinstance(spec, CategoryField):
                counts = Counter(row[name] for row in rows if row.get(name))
                kept = {value for value, _ in counts.most_common(MOST_VALUES)}
                if kept:
                    categories[name] = [value for value in spec.values or [] if value in kept]
        if not numbers and not categories:
            raise RecipeRefused("training needs a value of a number or category; there is none")
        return cls(numbers, categories)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.numbers) + sum(map(len, self.categories.values()))

    def matrix(self, rows: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Return the rows' columns, shape (n, width), NaN for numbers that are not known.

        Raises `RecipeRefused`: a number is too large for float32.
        """
        parts = [np.array([[_number(row.get(name)) for name in self.numbers] for row in rows])]
        for name, values in self.categories.items():
            places = {value: place for place, value in enumerate(values)}
            chosen = [places.get(row.get(name) or "", len(values)) for row in rows]
            parts.append(_table(values)[chosen])
        # float32 and back: the graph sees no other numbers.
        whole = np.hstack([part.reshape(len(rows), -1) for part in parts])
        return np.asarray(whole.astype(np.float32), dtype=np.float64)

    def inputs(self) -> list[dict[str, Any]]:
        """Return the manifest's inputs: one for all numbers, one for each category."""
        entries = [input_of(name, "string", [-1, 1]) for name in self.categories]
        if not self.numbers:
            return entries
        shape = [-1, len(self.numbers)]
        numbers = {"name": NUMBERS, "field": self.numbers, "dtype": "float32", "shape": shape}
        return [numbers, *entries]

    def nodes(self, output: str) -> tuple[list[Any], list[Any]]:
        """Return the graph's nodes and constants from the inputs to the matrix."""
        nodes: list[Any] = []
        constants = [constant("/flat", np.array([-1], dtype=np.int64))]
        parts = [NUMBERS] if self.numbers else []
        for i, (name, values) in enumerate(self.categories.items()):
            at, table = f"/category/{i}/", _table(values)
            nodes += [
                helper.make_node("Reshape", [input_name(name), "/flat"], [at + "value"]),
                helper.make_node(
                    "LabelEncoder",
                    [at + "value"],
                    [at + "place"],
                    domain="ai.onnx.ml",
                    keys_strings=values,
                    values_int64s=list(range(len(values))),
                    default_int64=len(values),
                ),
                helper.make_node("Gather", [at + "table", at + "place"], [at + "columns"], axis=0),
            ]
            constants.append(constant(at + "table", table))
            parts.append(at + "columns")
        nodes.append(helper.make_node("Concat", parts, [output], axis=1))
        return nodes, constants


def _table(values: Sequence[str]) -> FloatArray:
    """Return a row for each value, and one of zeros for what has no column."""
    return np.vstack([np.eye(len(values)), np.zeros(len(values))])


def _number(value: float | None) -> float:
    if value is None:
        return np.nan
    if abs(value) > _LARGEST:
        raise RecipeRefused(f"the number {value:g} is too large for a model in float32")
    return float(value)
