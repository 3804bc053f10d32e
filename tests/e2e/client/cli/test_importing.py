"""``surehand import``: labelled or not, with good rows and bad."""

from pathlib import Path

import pytest

from tests.e2e.client.cli.conftest import Shell
from tests.harness.cases import further

LABELLED = "Review;Sentiment\nThe lamp is lovely;happy\nIt broke;Unhappy\n;\nA lamp;sad\n"


def test_labelled_csv_makes_its_project_in_one_command(shell: Shell) -> None:
    file = shell.file("reviews.csv", "Review;Sentiment\nLovely;happy\nIt broke;unhappy\n")
    report = shell.json("import", file, "--project", "first-own", "--create")
    assert (report["labelled"], report["rejected"]) == (2, 0)
    spec = shell.json("project", "show", "first-own")
    assert spec["labels"] == ["happy", "unhappy"]
    again = shell.json("import", file, "--project", "first-own")
    assert (again["labelled"], again["existing"]) == (0, 2)


def test_rejected_rows_are_written_with_their_reasons_and_import_once_mended(shell: Shell) -> None:
    project = shell.project()
    file = shell.file("reviews.csv", LABELLED.encode() + b"\xff\xfe;happy\n")
    report = shell.json("import", file, "-p", project, status=1)
    assert (report["labelled"], report["rejected"]) == (2, 2)
    bad = Path(report["rejected_file"])
    text = bad.read_text(errors="surrogateescape")
    assert "'sad' is no label of the project" in text
    assert "is not UTF-8" in text
    mended = text.replace("A lamp,sad", "A lamp,happy").encode(errors="replace")
    report = shell.json("import", shell.file("mended.csv", mended), "-p", project)
    assert (report["labelled"], report["rejected"]) == (2, 0)


def test_unlabelled_rows_wait_in_the_pool_and_reviewers_are_asked(shell: Shell) -> None:
    project = shell.project()
    file = shell.file("items.jsonl", '{"id": 1, "body": "a"}\n{"id": 2, "body": "b"}\nnonsense\n')
    report = shell.json("import", file, "-p", project, "--ask", 2, status=1)
    assert (report["unlabelled"], report["rejected"]) == (2, 1)
    (entry,) = shell.json("status", project)["projects"]
    assert entry["queue"]["open"] == 2


def test_labels_of_another_name_are_not_lost_in_silence(shell: Shell) -> None:
    project = shell.project()
    file = shell.file("reviews.csv", "text,label\nlovely,1\nbroke,0\n")
    shell.run("import", file, "-p", project, status=2)
    assert "--rename-label" in shell.errors
    named = ("--rename-label", "1=happy", "--rename-label", "0=unhappy")
    assert shell.json("import", file, "-p", project, *named)["labelled"] == 2


def test_an_export_is_imported_with_its_answers(shell: Shell) -> None:
    first, second = shell.project(), shell.project()
    shell.run("import", shell.file("a.csv", "text,label\nlovely,happy\n"), "-p", first)
    exported = shell.folder / "export.csv"
    shell.run("export", "-p", first, "--output", exported)
    assert shell.json("import", exported, "-p", second)["labelled"] == 1


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("", (), "needs a header"),
        ("text,more\nx,y\n", ("--label", "nope"), "no column 'nope'"),
        *further(
            ("text\n", (), "has no rows"),
            ("a,a\n1,2\n", (), "is there twice"),
            ("text,more\nx,y\n", ("--field", "text"), "write NAME=VALUE"),
            ("text,more\nx,y\n", ("--field", "title=more"), "has no field 'title'"),
        ),
    ],
)
def test_mistakes_are_one_sentence(
    shell: Shell, text: str, words: tuple[str, ...], said: str
) -> None:
    project = shell.project()
    shell.run("import", shell.file("items.csv", text), "-p", project, *words, status=2)
    assert said in shell.errors
    assert len(shell.errors.splitlines()) == 1


def test_a_dry_run_imports_nothing(shell: Shell) -> None:
    file = shell.file("reviews.csv", "text,label\nlovely,happy\nbroke,unhappy\n")
    shell.run("import", file, "-p", "never", "--create", "--dry-run")
    shell.run("project", "show", "never", status=3)
