"""Join the rows of a file with what a scoring job decided of each."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from surehand.cli.failures import UserError

_PREFIX = "surehand_"
_OWN = (
    *("decision", "label", "suggestion", "confidence", "reason"),
    *("model_version", "certificate_id", "detail"),
)
_BATCH_ROWS = 1000
_FORMULA = frozenset("=+-@\t\r\n'")


def check_parquet(file: Path) -> None:
    """Raise `UserError` where a Parquet file could not be joined: pyarrow is missing."""
    if file.suffix.lower() != ".parquet":
        return
    try:
        import pyarrow  # noqa: F401, PLC0415 - few need it
    except ModuleNotFoundError as error:
        raise UserError("Parquet needs pyarrow: pip install pyarrow.") from error


def join(source: Path, target: Path, scored: Iterator[Mapping[str, Any]]) -> None:
    """Write the rows of a file with what was decided of each, found by the line it ends on."""
    unfinished = target.with_name(f".{target.name}.part")
    try:
        if source.suffix.lower() == ".parquet":
            _join_parquet(source, unfinished, scored)
            unfinished.replace(target)
            return
        with (
            source.open(encoding="utf-8-sig", errors="replace", newline="") as given,
            unfinished.open("w", encoding="utf-8", newline="") as made,
        ):
            is_csv = source.suffix.lower() == ".csv"
            (_join_csv if is_csv else _join_lines)(given, made, scored)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _join_csv(given: IO[str], made: IO[str], scored: Iterator[Mapping[str, Any]]) -> None:
    rows, writer = csv.reader(given), csv.writer(made)
    writer.writerow([*next(rows, []), *(_PREFIX + name for name in _OWN)])
    found = next(scored, None)
    for cells in rows:
        decided: list[Any] = []
        if found is not None and found["line"] == rows.line_num:
            decided = ["" if found[name] is None else _guarded(found[name]) for name in _OWN]
            found = next(scored, None)
        if cells:
            writer.writerow([*cells, *decided])


def _join_lines(given: IO[str], made: IO[str], scored: Iterator[Mapping[str, Any]]) -> None:
    found = next(scored, None)
    for number, line in enumerate(given, start=1):
        if found is None or found["line"] != number:
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = {"line": number}
        row = row if isinstance(row, dict) else {"line": number}
        made.write(json.dumps({**row, **{_PREFIX + name: found[name] for name in _OWN}}) + "\n")
        found = next(scored, None)


def _join_parquet(source: Path, made: Path, scored: Iterator[Mapping[str, Any]]) -> None:
    import pyarrow  # noqa: PLC0415 - few need it
    from pyarrow import parquet  # noqa: PLC0415 - as above

    given, start, found = parquet.ParquetFile(source), 1, next(scored, None)
    schema = given.schema_arrow.remove_metadata()
    for name in _OWN:
        kind = pyarrow.float64() if name == "confidence" else pyarrow.string()
        schema = schema.append(pyarrow.field(_PREFIX + name, kind))
    with parquet.ParquetWriter(made, schema) as writer:
        for batch in given.iter_batches(_BATCH_ROWS):
            decided: list[Mapping[str, Any]] = []
            for number in range(start, start + batch.num_rows):
                is_there = found is not None and found["line"] == number
                decided.append(found if is_there and found is not None else {})
                found = next(scored, None) if is_there else found
            start += batch.num_rows
            own = [
                pyarrow.array([one.get(name) for one in decided], schema.field(_PREFIX + name).type)
                for name in _OWN
            ]
            columns = [*batch.columns, *own]
            writer.write_batch(pyarrow.RecordBatch.from_arrays(columns, schema=schema))


def _guarded(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula, as the services write theirs."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in _FORMULA else cell
