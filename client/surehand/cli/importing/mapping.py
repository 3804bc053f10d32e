"""Which column is which field, the id and the label (pure)."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from surehand.cli.failures import UserError
from surehand.cli.text import line_of

_IDS = ("item_id", "id", "uuid", "key")
LABEL_NAMES = ("label", "labels", "category", "class", "target", "answer", "sentiment")
_TEXTS = ("text", "content", "body", "message", "review", "comment", "sentence", "post", "title")
_VALUES_SHOWN = 5

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Columns:
    """The columns of a file by what they are: fields and metadata by name, the id, the label."""

    fields: Mapping[str, str]
    metadata: Mapping[str, str] = field(default_factory=dict)
    item_id: str | None = None
    label: str | None = None


class Labels:
    """The project's labels, and what a file calls them."""

    def __init__(self, labels: Sequence[str], renamed: Mapping[str, str]) -> None:
        """`renamed` has the project's label of a value of the file.

        Raises
        ------
        UserError
            It names a label that the project does not have.
        """
        for value, label in renamed.items():
            if label not in labels:
                raise UserError(f"--rename-label {value}={label}: the project has no such label.")
        self._by_value = {one.casefold(): one for one in labels} | {one: one for one in labels}
        self._renamed = renamed

    def of(self, value: object) -> str | None:
        """Return the label that a value means; None if it means none."""
        text = str(value).strip()
        if text in self._renamed:
            return self._renamed[text]
        return self._by_value.get(text) or self._by_value.get(text.casefold())


def is_empty(value: object) -> bool:
    """Say whether a cell has nothing."""
    return value is None or (isinstance(value, str) and not value.strip())


def guess_columns(
    sample: Sequence[Values], specs: Mapping[str, Mapping[str, Any]], keys: Iterable[str],
    labels: Labels, given: Columns, *, with_label: bool = True,
) -> Columns:  # fmt: skip
    """Return the columns: those that the person named, else those whose names or values fit.

    Parameters
    ----------
    sample
        The first rows, by column.
    specs, keys
        The project's fields and metadata keys.
    with_label
        False: the file is taken as not labelled.

    Raises
    ------
    UserError
        A named column is not there, or a field has none.
    """
    header = list(dict.fromkeys(name for values in sample for name in values))
    _check(given, header, specs, keys)
    by_name = {_folded(name): name for name in reversed(header)}
    fields = {name: by_name[_folded(name)] for name in specs if _folded(name) in by_name}
    fields |= given.fields
    label = given.label
    if label is None and with_label:
        left = [name for name in header if name not in fields.values()]
        label = _label_column(left, sample, labels)
    item_id = given.item_id or _id_column(by_name, sample, {*fields.values(), label})
    left = [name for name in header if name not in {*fields.values(), label, item_id}]
    fields |= _last_field([name for name in specs if name not in fields], specs, left, sample)
    metadata = {name: by_name[_folded(name)] for name in keys if _folded(name) in by_name}
    return Columns(fields, metadata | dict(given.metadata), item_id, label)


def _last_field(
    missing: Sequence[str],
    specs: Mapping[str, Mapping[str, Any]],
    left: Sequence[str],
    sample: Sequence[Values],
) -> dict[str, str]:
    """Return the column of the only text that has none yet."""
    if not missing:
        return {}
    is_text = len(missing) == 1 and specs[missing[0]].get("type") == "text"
    column = _text_column(left, sample) if is_text else None
    if column is None:
        raise UserError(
            f"Which column is the field {missing[0]}? Say it by --field {missing[0]}=COLUMN; "
            f"these are left: {line_of(', '.join(left), 500)}."
        )
    return {missing[0]: column}


def _check(
    given: Columns, header: Sequence[str], specs: Mapping[str, Any], keys: Iterable[str]
) -> None:
    named = [*given.fields.values(), *given.metadata.values(), given.item_id, given.label]
    for column in named:
        if column is not None and column not in header:
            raise UserError(
                f"The file has no column {line_of(column)!r}: "
                f"it has {line_of(', '.join(header), 500)}."
            )
    for name in given.fields:
        if name not in specs:
            raise UserError(f"The project has no field {name!r}: it has {', '.join(specs)}.")
    for name in given.metadata:
        if name not in set(keys):
            raise UserError(f"The project has no metadata key {name!r}.")


def _folded(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")


def _label_column(header: Sequence[str], sample: Sequence[Values], labels: Labels) -> str | None:
    """Return the column whose values are labels; a column of such a name must have some."""
    named = [name for name in header if _folded(name) in LABEL_NAMES]
    for column in (*named, *header):
        values = [one[column] for one in sample if not is_empty(one.get(column))]
        if values and all(labels.of(value) is not None for value in values):
            return column
    for column in named:
        values = [one[column] for one in sample if not is_empty(one.get(column))]
        if values and any(labels.of(value) is not None for value in values):
            return column
    for column in named:
        values = [one[column] for one in sample if not is_empty(one.get(column))]
        if values:
            some = ", ".join(dict.fromkeys(line_of(value, 40) for value in values[:_VALUES_SHOWN]))
            raise UserError(
                f"The column {column} has no label of the project ({some}): name what they mean by "
                "--rename-label VALUE=LABEL, or import the rows without it by --unlabelled."
            )
    return None


def _id_column(
    by_name: Mapping[str, str], sample: Sequence[Values], used: set[str | None]
) -> str | None:
    for name in _IDS:
        column = by_name.get(name)
        if column is None or column in used:
            continue
        values = [str(one.get(column)) for one in sample if not is_empty(one.get(column))]
        if values and len(set(values)) == len(values):
            return column
    return None


def _text_column(header: Sequence[str], sample: Sequence[Values]) -> str | None:
    for name in _TEXTS:
        for column in header:
            if _folded(column) == name:
                return column
    return max(
        header, key=lambda one: sum(len(str(row.get(one) or "")) for row in sample), default=None
    )


def item_of(
    values: Values, columns: Columns, specs: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the item of a row, as ``predict`` takes it.

    A row without an id gets one made of its data: the same row has the same id in each import.
    """
    data = {
        name: _value(values[column], str(specs[name].get("type")))
        for name, column in columns.fields.items()
        if values.get(column) is not None
    }
    metadata = {
        name: str(values[column])
        for name, column in columns.metadata.items()
        if not is_empty(values.get(column))
    }
    named = None if columns.item_id is None else values.get(columns.item_id)
    item_id = f"row-{digest_of(data)}" if is_empty(named) else str(named).strip()
    return {"item_id": item_id, "data": data, "metadata": metadata}


def digest_of(data: object) -> str:
    """Return 20 hex digits that stand for the data."""
    text = json.dumps(data, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _value(value: Any, kind: str) -> Any:
    """Return a cell as its field takes it; the service says what is wrong with others."""
    if not isinstance(value, str):
        return str(value) if kind in {"text", "category"} else value
    if kind not in {"number", "vector", "json"}:
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
