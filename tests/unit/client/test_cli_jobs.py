"""Rows of a file joined with what a job decided of them."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

from surehand.cli.joining import join


def decided(line: int, decision: str = "answered", **more: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(
        ("label", "suggestion", "confidence", "reason", "model_version", "certificate_id", "detail")
    )
    return {"line": line, "item_id": None, "decision": decision, **nothing, **more}


def test_a_csv_keeps_its_columns_and_gets_those_of_the_decision(tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text('notes,text\n"two\nlines",fine\n\nb,bad\nc,erased since\n')
    join(source, target, iter([decided(3, label="positive"), decided(5, "declined")]))
    rows = list(csv.DictReader(target.read_text().splitlines(keepends=True)))
    assert [(row["notes"], row["surehand_decision"], row["surehand_label"]) for row in rows] == [
        ("two\nlines", "answered", "positive"),
        ("b", "declined", ""),
        ("c", None, None),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_json_lines_keep_their_members(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"text": "fine", "own": 1}\n\nno JSON\n')
    join(source, target, iter([decided(1, label="positive"), decided(3, "rejected", detail="no")]))
    first, second = (json.loads(line) for line in target.read_text().splitlines())
    assert (first["own"], first["surehand_label"]) == (1, "positive")
    assert (second["line"], second["surehand_decision"]) == (3, "rejected")


def test_a_parquet_file_keeps_its_columns_and_gets_those_of_the_decision(tmp_path: Path) -> None:
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    given = pyarrow.table({"text": ["a", "b", "c"], "own": [[1], [2, 3], None]})
    parquet.write_table(given, source)
    scored = [decided(1, label="positive", confidence=0.9), decided(3, "declined")]
    join(source, target, iter(scored))
    made = parquet.read_table(target)
    assert made.select(["text", "own"]).equals(given)
    assert made["surehand_decision"].to_pylist() == ["answered", None, "declined"]
    assert made["surehand_confidence"].to_pylist() == [0.9, None, None]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.parquet", "out.parquet"]


def test_what_a_decision_says_is_no_formula(tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("text\nfine\n")
    join(source, target, iter([decided(2, label="=1+1")]))
    (row,) = csv.DictReader(target.read_text().splitlines())
    assert row["surehand_label"] == "'=1+1"
