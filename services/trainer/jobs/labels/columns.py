"""Labels as flat rows of columns, for CSV and Parquet (pure).

A field has the column of its name, and `data.NAME` where a column of the label has that name.
"""

from typing import Any

import orjson

from services.trainer.jobs.labels.messages import LabelRow
from shared.contracts.projects import Project
from shared.fields.spec import ColumnKind
from shared.parquet.writing import Kind

_KINDS: dict[ColumnKind, Kind] = {
    "text": "text",
    "number": "number",
    "vector": "numbers",
    "json": "text",
    "flag": "flag",
}

_OWN: dict[str, Kind] = {
    "item_id": "text",
    "label": "text",
    "source": "text",
    "confidence": "number",
    "model_version": "text",
    "verdicts": "integer",
    "revision": "integer",
    "lane": "text",
}
_PROOF: dict[str, Kind] = {
    "certificate_id": "text",
    "target_accuracy": "number",
    "threshold": "number",
    "population": "text",
}
_AT = "labelled_at"
# Of an item that the columns of its fields cannot hold.
_REST = "data"


class LabelColumns:
    """The columns of a project's labels."""

    def __init__(self, project: Project) -> None:
        taken = {*_OWN, *_PROOF, _AT, _REST}
        self._fields = {
            f"{_REST}.{name}" if name in taken else name: name for name in project.fields
        }
        self._kinds = {name: spec.column for name, spec in project.fields.items()}
        self._metadata = {f"metadata.{key}": key for key in project.metadata}

    @property
    def names(self) -> list[str]:
        """The columns of a CSV file."""
        return [*_OWN, *_PROOF, _AT, *self._fields, *self._metadata]

    @property
    def kinds(self) -> dict[str, Kind]:
        """The columns of a Parquet file, which has `data` as well."""
        fields = {column: _KINDS[self._kinds[name]] for column, name in self._fields.items()}
        texts = dict.fromkeys((_REST, *self._metadata), _KINDS["text"])
        return {**_OWN, **_PROOF, _AT: "moment", **fields, **texts}

    def cells(self, row: LabelRow) -> dict[str, Any]:
        """Return the values of a row by column, as JSON has them."""
        shown = row.model_dump(mode="json")
        proof = shown["certificate"] or {}
        return {
            **{name: shown[name] for name in (*_OWN, _AT)},
            **{name: proof.get(name) for name in _PROOF},
            **{column: row.data.get(name) for column, name in self._fields.items()},
            **{column: row.metadata.get(key) for column, key in self._metadata.items()},
        }

    def typed(self, row: LabelRow) -> dict[str, Any]:
        """Return the values of a row by column, of the columns' kinds.

        The item of a project whose fields were others stands in `data` alone, as JSON.
        """
        cells = self.cells(row) | {_AT: row.labelled_at, _REST: None}
        try:
            typed = {name: _of_kind(self._kinds[name], value) for name, value in row.data.items()}
        except (KeyError, TypeError):
            return cells | dict.fromkeys(self._fields) | {_REST: orjson.dumps(row.data).decode()}
        return cells | {column: typed.get(name) for column, name in self._fields.items()}


def _of_kind(kind: ColumnKind, value: Any) -> Any:
    """Return a value as a column of Parquet has it; `TypeError`: none of its kind can have it."""
    match kind:
        case _ if value is None:
            return None
        case "json":
            return orjson.dumps(value).decode()
        case "number":
            return _number(value)
        case "vector" if isinstance(value, list):
            return [_number(one) for one in value]
        case "text" if isinstance(value, str):
            return value
        case "flag" if isinstance(value, bool):
            return value
    raise TypeError(f"a column of kind {kind} has no {type(value).__name__}")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{type(value).__name__} is no number")
    return float(value)
