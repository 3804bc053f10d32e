"""``surehand project``, ``status``, ``link`` and ``why``."""

import pytest

from tests.e2e.client.cli.conftest import Shell

HOSTILE = "\x1b[31m[bold]red[/bold]\u202e"


def test_a_project_is_created_shown_and_edited(shell: Shell) -> None:
    file = shell.file("p.yaml", "labels: [yes, no]\nfields:\n  text: {type: text}\n")
    shell.run("project", "create", "yes-or-no", "--file", file)
    assert "- 'yes'" in shell.run("project", "show", "yes-or-no")
    shell.run("project", "create", "yes-or-no", "--file", file, status=3)
    shell.run("project", "edit", "yes-or-no", "--file", "-", input="title: Well?\n")
    spec = shell.json("project", "show", "yes-or-no")
    assert (spec["title"], spec["labels"]) == ("Well?", ["yes", "no"])
    shell.run("project", "edit", "yes-or-no", "--file", "-", input="titel: x\n", status=3)
    assert "/titel" in shell.errors
    shell.run("project", "edit", "yes-or-no", "--file", "-", input="[", status=2)
    assert "is not YAML" in shell.errors


@pytest.mark.thorough
def test_status_and_errors_cannot_control_the_terminal(shell: Shell) -> None:
    project = shell.project(title=HOSTILE)
    said = shell.run("status", project, "--once") + shell.run("project", "list")
    shell.run("why", HOSTILE, "-p", project, status=1)
    said += shell.errors
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "[bold]" in said


def test_status_lists_what_waits_in_each_project_and_details_one(shell: Shell) -> None:
    project = shell.project()
    shell.run("import", shell.file("a.csv", "text\none\ntwo\n"), "-p", project, "--ask", 2)
    rows = {one["project"]: one for one in shell.json("status")["projects"]}
    assert (rows[project]["waiting"], rows[project]["answers"]) == (2, 0)
    assert rows[project]["promise"]["state"] == "uncertified"
    assert rows[project]["away"] == {}
    said = shell.run("status", "--once")
    assert f"● {project}  " in said
    assert "2 items waiting, 0 of them held, the oldest for" in said
    assert "none yet" in shell.run("status", project, "--once")


def test_why_tells_the_timeline_of_an_item(shell: Shell) -> None:
    project = shell.project()
    shell.run("import", shell.file("a.csv", "id,text,label\nx/1,lovely,happy\n"), "-p", project)
    assert "resolved as happy" in shell.run("why", "x/1", "-p", project)
    assert shell.json("why", "x/1", "-p", project)["task"]["label"] == "happy"


def test_a_link_lets_its_reviewer_in(shell: Shell) -> None:
    project = shell.project()
    made = shell.json("link", "anna", "-p", project)
    assert made["code"] in made["url"]
    assert "/enter?code=" in shell.run("link", "boss", "--role", "operator")
    shell.run("link", "anna", "-p", project, "--role", "king", status=2)


def test_a_wrong_call_and_a_missing_project_are_one_sentence(shell: Shell) -> None:
    for words, status in ((("nonsense",), 2), (("status", "no-such"), 3), (("import",), 2)):
        shell.run(*words, status=status)
        assert len(shell.errors.splitlines()) == 1
        assert shell.errors.startswith("surehand: ")
