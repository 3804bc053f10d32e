"""Records as flat rows of columns, for CSV and Parquet: ``data.FIELD``, ``metadata.KEY``.

The columns are those of the project as it stands. What they cannot hold exactly (an item of older
fields, a whole number where the column has floats) stands in the column `data` or `metadata` as
JSON, and then counts instead of them: nothing is lost.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from services.review_queue.exchange.formats.writer import Record, to_json
from services.review_queue.exchange.records import STANDING
from shared.contracts.projects import Project
from shared.csv_records import column_faults
from shared.fields.spec import ColumnKind, FieldSpec
from shared.http.body import parse_json_part

Kind = ColumnKind | Literal["integer", "moment", "verdicts"]
_OWN: dict[str, Kind] = {
    "adjudication": "flag",
    "revision": "integer",
    "created_at": "moment",
    "resolved_at": "moment",
}


class Columns:
    """The columns of a project: `kinds` by name, in their order.

    With `whole_numbers` its number columns keep 1 and 1.0 apart, as text does.
    """

    def __init__(self, project: Project, *, whole_numbers: bool) -> None:
        self._fields: Mapping[str, FieldSpec] = project.fields
        self._metadata = set(project.metadata)
        self._whole_numbers = whole_numbers
        self.kinds: dict[str, Kind] = {
            "item_id": "text",
            **{f"data.{name}": spec.column for name, spec in self._fields.items()},
            "data": "json",
            **dict.fromkeys((f"metadata.{key}" for key in project.metadata), "text"),
            "metadata": "json",
            "lane": "text",
            "due_at": "moment",
            "prediction": "json",
            **{name: _OWN.get(name, "text") for name in STANDING},
            "verdicts": "verdicts",
        }

    def faults(self, names: Sequence[str], place: str) -> list[tuple[str, str]]:
        """Return the faults of a file's columns, with pointers below `place`."""
        return column_faults(names, self.kinds, ("item_id",), place)

    def flatten(self, record: Record) -> dict[str, Any]:
        """Return the record's value for each column, None for none; JSON as text."""
        data, metadata = record["data"], record["metadata"]
        flat = {name: record.get(name) for name in self.kinds}
        exact = data.keys() == self._fields.keys() and all(map(self._holds, data, data.values()))
        for name, spec in self._fields.items():
            value = data.get(name) if exact else None
            flat[f"data.{name}"] = json_text(value) if exact and spec.column == "json" else value
        flat |= {f"metadata.{key}": metadata.get(key) for key in self._metadata}
        flat["data"] = None if exact else json_text(data)
        flat["metadata"] = None if self._metadata.issuperset(metadata) else json_text(metadata)
        flat["prediction"] = record["prediction"] and json_text(record["prediction"])
        return flat

    def _holds(self, name: str, value: Any) -> bool:
        """Say whether the field's column gives the value back as it is."""
        match self.kinds[f"data.{name}"]:
            case "text":
                return isinstance(value, str)
            case "flag":
                return isinstance(value, bool)
            case "number":
                return self._whole_numbers or isinstance(value, float)
            case "vector":
                return self._whole_numbers or (
                    isinstance(value, list) and all(isinstance(one, float) for one in value)
                )
            case _:
                return True

    def gather(self, flat: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record of a flat row; what is None or no column counts as not given.

        Raises `ValueError` (a column of JSON holds something else).
        """
        given = {name: value for name, value in flat.items() if value is not None}
        for name in given.keys() & {name for name, kind in self.kinds.items() if kind == "json"}:
            given[name] = _json_of(name, given[name])
        record = {name: value for name, value in given.items() if "." not in name}
        record.setdefault("data", _those("data.", given))
        record.setdefault("metadata", _those("metadata.", given))
        return record


def _json_of(name: str, text: Any) -> Any:
    # A column of Parquet may have any type.
    if not isinstance(text, str):
        raise ValueError(f"/{name}: is not JSON text")  # noqa: TRY004 - a fault of the row
    return parse_json_part(text, f"/{name}")


def _those(prefix: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)
    }


def json_text(value: Any) -> str:
    """Return `value` as JSON text."""
    return to_json(value).decode()
