"""Describe a project by a labelled file."""

from collections.abc import Mapping
from typing import Any

from surehand.cli.failures import UserError
from surehand.cli.importing.mapping import LABEL_NAMES, Columns, is_empty
from surehand.cli.importing.source import Source

_MOST_LABELS = 100


def describe_project(
    name: str, source: Source, given: Columns, renamed: Mapping[str, str]
) -> dict[str, Any]:
    """Return a project whose labels are the values of the label column, in all of the file.

    Its fields are the named ones, or one text.

    Raises
    ------
    UserError
        No column is a label column, or it has too few or too many values.
    """
    header = list(dict.fromkeys(column for values in source.good for column in values))
    column = given.label or next(
        (one for wanted in LABEL_NAMES for one in header if one.strip().casefold() == wanted), None
    )
    if column is None or column not in header:
        raise UserError("Which column has the labels? Say it by --label COLUMN.")
    labels: dict[str, str] = {}
    for row in source.rows():
        value = row.values.get(column)
        if row.fault or is_empty(value):
            continue
        text = str(value).strip()
        label = renamed.get(text, text)
        # "Happy" and "happy" are one label, written as it comes first.
        labels.setdefault(label.casefold(), label)
        if len(labels) > _MOST_LABELS:
            raise UserError(
                f"The column {column} has more than {_MOST_LABELS} values: is it the labels? "
                "--label names another; `surehand project create` takes more labels."
            )
    if len(labels) < 2:
        raise UserError(f"The column {column} has fewer than two labels.")
    fields = {field: {"type": "text"} for field in given.fields or {"text": ""}}
    keys = list(given.metadata)
    return {"title": name, "labels": sorted(labels.values()), "fields": fields, "metadata": keys}
