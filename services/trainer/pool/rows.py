"""Lines of an import, to items (pure): newline-delimited JSON, or CSV with a header."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from shared.contracts.items import Item, check_data, check_metadata
from shared.contracts.projects import FieldSpec, Project
from shared.http.body import parse_json
from shared.problems import NotJson, Problem, Unprocessable

# A cell may be as long as a body: the field's own limit is checked afterwards.
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class ParsedLine:
    """One line: an item, or what is wrong with it."""

    line: int
    item: Item | None
    fault: str | None = None


def parse_ndjson(body: bytes, project: Project) -> Iterator[ParsedLine]:
    """Give one parsed line for each line that is not blank."""
    for number, line in enumerate(body.split(b"\n"), start=1):
        if line.strip():
            yield _from_json(number, line, project)


def _from_json(number: int, line: bytes, project: Project) -> ParsedLine:
    try:
        document = parse_json(line)
    except NotJson:
        return ParsedLine(number, None, "is not JSON")
    except Problem as problem:
        return ParsedLine(number, None, _sentence(problem.extensions["errors"]))
    if not isinstance(document, dict):
        return ParsedLine(number, None, "is not a JSON object")
    return _checked(number, document, project)


def _checked(number: int, document: dict[str, Any], project: Project) -> ParsedLine:
    try:
        item = Item.model_validate(document)
    except ValidationError as error:
        faults = [
            {"pointer": "/" + "/".join(map(str, fault["loc"])), "detail": fault["msg"]}
            for fault in error.errors()
        ]
        return ParsedLine(number, None, _sentence(faults))
    faults = [
        {"pointer": pointer, "detail": detail}
        for pointer, detail in [
            *check_data(item.data, project.fields),
            *check_metadata(item.metadata, project.metadata),
        ]
    ]
    return ParsedLine(number, None, _sentence(faults)) if faults else ParsedLine(number, item)


def _sentence(faults: list[dict[str, str]]) -> str:
    return "; ".join(f"{fault['pointer']} {fault['detail']}" for fault in faults[:5])


def parse_csv(body: bytes, project: Project) -> Iterator[ParsedLine]:
    """Give one parsed line for each record after the header.

    Columns are `item_id` (optional), the project's fields (all of them) and its metadata keys.
    Numbers are read for number fields, JSON for vector and json fields. `line` is that of the
    record's last line.

    Raises
    ------
    Unprocessable
        No UTF-8, no header, or a header that does not fit the project.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unprocessable([("", "is not UTF-8")]) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise Unprocessable([("/header", f"is not CSV: {error}")]) from error
    _check_header(header, project)
    yield from _records(reader, header, project)


def _check_header(header: list[str], project: Project) -> None:
    known = {"item_id", *project.fields, *project.metadata}
    faults = [
        (f"/header/{name}", "is not a column of this project")
        for name in header
        if name not in known
    ]
    faults += [(f"/header/{name}", "is missing") for name in project.fields if name not in header]
    faults += [
        (f"/header/{name}", "is there twice") for name in set(header) if header.count(name) > 1
    ]
    if faults:
        raise Unprocessable(faults)


def _records(reader: Any, header: list[str], project: Project) -> Iterator[ParsedLine]:
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield ParsedLine(reader.line_num, None, f"is not CSV: {error}")
            continue
        if not cells:
            continue
        if len(cells) != len(header):
            fault = f"has {len(cells)} columns, the header {len(header)}"
            yield ParsedLine(reader.line_num, None, fault)
            continue
        document = _document(dict(zip(header, cells, strict=True)), project)
        yield _checked(reader.line_num, document, project)


def _document(row: dict[str, str], project: Project) -> dict[str, Any]:
    document: dict[str, Any] = {
        "data": {name: _value(row[name], field) for name, field in project.fields.items()},
        "metadata": {name: row[name] for name in project.metadata if row.get(name)},
    }
    if row.get("item_id"):
        document["item_id"] = row["item_id"]
    return document


def _value(cell: str, field: FieldSpec) -> Any:
    """Read a cell; one that cannot be read stays text, and the field's check names the fault."""
    if field.type == "number":
        try:
            return float(cell)
        except ValueError:
            return cell
    if field.type in {"vector", "json"}:
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            return cell
    return cell
