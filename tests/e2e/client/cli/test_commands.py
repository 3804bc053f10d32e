"""Reviewing, the promise, training, signing in and the doctor: their normal path and a mistake."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper
from pyarrow import parquet
from typer.testing import CliRunner

from surehand.cli.app import app
from tests.e2e.client.cli.conftest import Shell
from tests.graphs import FLOAT, an_input, bytes_of, model_of, node
from tests.harness import wait_until
from tests.harness.processes import ROOT, free_port


def test_undo_takes_back_the_last_step_also_a_skip(shell: Shell) -> None:
    project = shell.project()
    file = shell.file("a.csv", "text\none\ntwo\nthree\n")
    shell.run("import", file, "-p", project, "--ask", 3)
    said = shell.run(
        "review", "-p", project, "--as", "anna", "--wait", 0, input="1\ns\nu\nbad\nunh\nu\nq\n"
    )
    assert "Took back the skip of" in said
    assert "Type a number" in said
    assert "Took back “unhappy” of" in said
    assert said.endswith("1 answer.\n")
    (reviewer,) = shell.json("status", project)["projects"][0]["reviewers"]
    assert (reviewer["reviewer"], reviewer["verdicts"], reviewer["skips"]) == ("anna", 1, 0)


def test_a_project_without_a_version_says_so_everywhere(shell: Shell) -> None:
    project = shell.project()
    assert "Not certified" in shell.run("promise", "-p", project)
    shell.run("promise", "-p", project, "--check", status=1)
    assert shell.json("versions", "-p", project)["versions"] == []
    for words in (("certify",), ("promote", "v1"), ("rollback",), ("promise", "--what-if", 0.9)):
        shell.run(*words, "-p", project, status=3)
        assert shell.errors.splitlines()[-1].startswith("surehand: ")
    shell.run("train", "-p", project, "--mode", "never", status=3)


def test_labels_are_trained_suspended_and_resumed(shell: Shell) -> None:
    project = shell.project()
    rows = [f"the {w} thing {n},{label}" for n in range(20) for w, label in
            (("lovely", "happy"), ("broken", "unhappy"))]  # fmt: skip
    shell.run("import", shell.file("a.csv", "\n".join(["text,label", *rows])), "-p", project)
    # The run waits until the trainer has read the labels, and spends no number before.
    assert shell.json("train", "-p", project)["version"] == "v1"
    assert "v1" in shell.run("versions", "-p", project)
    shell.run("labels", "-p", project, "-o", shell.folder / "labels.parquet")
    labels = parquet.read_table(shell.folder / "labels.parquet").to_pydict()
    assert len(set(labels["text"])) == 40
    assert set(labels["label"]) == {"happy", "unhappy"}
    assert not shell.json("suspend", "too many complaints", "-p", project)["valid_now"]
    shell.run("promise", "-p", project, "--check", status=1)
    assert shell.json("resume", "-p", project)["why_not"] == "the champion has no certificate yet"


def test_a_project_gets_an_encoder_of_its_own_and_loses_it(shell: Shell) -> None:
    project = shell.project(fields={"size": {"type": "number"}})
    output = helper.make_tensor_value_info("vector", FLOAT, [None, 1])
    sizes = {"size": (FLOAT, [None, 1])}
    graph = bytes_of(model_of([node("Tanh", ["size"], ["vector"])], sizes, output=output))
    file = shell.file("encoder.onnx", graph)
    inputs = [an_input("size", "size").model_dump()]
    manifest = shell.file(
        "encoder.json", json.dumps({"inputs": inputs, "outputs": {"vector": "vector"}})
    )
    shell.run("encoder", "-p", project, status=3)
    shell.run("encoder", file, "-p", project, status=2)
    shell.run("encoder", manifest, "--manifest", manifest, "-p", project, status=3)
    assert "not an ONNX file" in shell.errors
    found = shell.json("encoder", file, "--manifest", manifest, "-p", project)
    assert (found["width"], found["size_bytes"]) == (1, len(graph))
    assert "encoder.onnx: vectors of 1 numbers" in shell.run("encoder", "-p", project)
    shell.run("encoder", "--remove", "-p", project)
    shell.run("encoder", "-p", project, status=3)


def test_webhooks_of_a_project_without_any(shell: Shell) -> None:
    project = shell.project()
    assert "no webhooks" in shell.run("webhooks", project)
    assert shell.json("webhooks", project) == {"webhooks": [], "deliveries": []}
    assert shell.json("webhooks", project, "--retry-failed") == {"retried": []}
    shell.run("webhooks", project, "--state", "lost", status=2)
    shell.run("webhooks", project, "--retry", "unknown", status=3)


async def test_webhooks_show_what_was_sent_and_send_it_again(shell: Shell) -> None:
    address = f"http://127.0.0.1:{free_port()}/hook"
    project = shell.project(webhooks=[{"url": address, "secret_ref": "CLIENT_HOOK"}])
    shell.run("import", shell.file("a.csv", "text,label\none,happy\n"), "-p", project)
    # Nothing listens there: the event waits for its next attempt.
    sent = await wait_until(lambda: shell.json("webhooks", project)["deliveries"])
    assert (sent[0]["event"], sent[0]["state"]) == ("outcome.resolved", "waiting")
    said = shell.run("webhooks", project, "--state", "waiting")
    assert address in said
    assert sent[0]["delivery_id"] in said
    assert "No event." in shell.run("webhooks", project, "--state", "failed")
    (retried,) = shell.json("webhooks", project, "--retry", sent[0]["delivery_id"])["retried"]
    assert retried["event_id"] == sent[0]["event_id"]

    def is_tried_again() -> bool:
        return bool(shell.json("webhooks", project)["deliveries"][0]["attempts"] > 1)

    await wait_until(is_tried_again)


def test_login_stores_a_token_for_this_user_alone(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = shell.project()
    link = shell.json("link", "anna", "-p", project)["url"]
    router, queue, trainer = shell.installation.addresses
    place = ("--router", router, "--review-queue", queue, "--trainer", trainer)
    said = shell.json(*place, "login", link)
    assert (said["subject"], said["role"], said["projects"]) == ("anna", "reviewer", [project])
    stored = Path(said["file"])
    assert stored.stat().st_mode & 0o777 == 0o600
    monkeypatch.delenv("SUREHAND_HOME")
    assert [one["project"] for one in shell.json("project", "list")["projects"]] == [project]
    shell.run("link", "ben", "-p", project, status=5)
    shell.run(*place, "login", link, status=3)
    shell.run(*place, "login", status=5, input="nonsense\n")
    shell.run("logout")
    shell.run("status", status=5)
    assert "surehand login" in shell.errors


def test_the_doctor_names_what_is_away_and_what_to_do(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert shell.json("doctor")["healthy"]
    report = shell.json("--router", "http://127.0.0.1:9", "--token", "x", "doctor", status=1)
    bad = {one["check"] for one in report["checks"] if one["state"] == "bad"}
    assert bad == {"router", "token"}
    monkeypatch.setenv("SUREHAND_HOME", str(tmp_path / "none"))
    assert "surehand up" in shell.run("doctor", status=1)


def test_a_service_that_is_away_is_said_and_the_rest_is_shown(shell: Shell) -> None:
    project = shell.project()
    router, queue, _ = shell.installation.addresses
    place = ("--router", router, "--review-queue", queue, "--trainer", "http://127.0.0.1:9")
    token = shell.installation.token("operator", "olga")
    report = shell.json(*place, "--token", token, "status", project, status=4)
    (entry,) = report["projects"]
    assert entry["promise"] is None
    assert entry["queue"]["open"] == 0
    assert list(entry["away"]) == ["trainer"]


@pytest.mark.thorough
def test_two_edits_at_once_lose_nothing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is refused, sees the difference, and keeps its text."""
    project = shell.project()
    words = [sys.executable, "-m", "surehand.cli", "project", "edit", project, "--file", "-"]
    theirs = f"echo 'title: theirs' | {' '.join(words)}"
    mine = "sed -i 's/^title:.*/title: mine/' \"$1\""
    editor = shell.file("editor.sh", f"#!/bin/sh\n{mine}\n{theirs}\n")
    editor.chmod(0o700)
    monkeypatch.setenv("EDITOR", str(editor))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "client"))
    monkeypatch.setattr("surehand.cli.output.Output.is_interactive", True)
    shell.run("project", "edit", project, status=3)
    assert "+title: theirs" in shell.errors
    kept = Path(shell.errors.partition("Your text is kept: ")[2].splitlines()[0])
    assert "title: mine" in kept.read_text()
    assert shell.json("project", "show", project)["title"] == "theirs"


def test_the_command_is_a_process_of_its_own(shell: Shell) -> None:
    """Run as installed: a token by the local keys, JSON on standard output, one sentence else."""
    command = [sys.executable, "-m", "surehand.cli"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "client")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *words], env=environment, capture_output=True,
                              text=True, timeout=120, check=False)  # fmt: skip

    listed = run("project", "list", "--json")
    assert "projects" in json.loads(listed.stdout)
    token = run("token", "olga", "--role", "operator")
    assert token.stdout.count(".") == 2
    refused = run("--token", "nonsense", "status", "--once")
    assert (refused.returncode, refused.stdout) == (5, "")
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.thorough
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(["items.csv", "items.jsonl", "items.parquet"]),
    body=st.binary(max_size=200) | st.text('",;\n\tab\x00é', max_size=60).map(str.encode),
)
def test_any_bytes_end_without_a_traceback(shell: Shell, name: str, body: bytes) -> None:
    file = shell.file(name, b"text,label\n" + body if name == "items.csv" else body)
    words = ["import", str(file), "-p", "bytes", "--create", "--dry-run"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code in {0, 1, 2, 3}, (result.output, result.exception)
    assert isinstance(result.exception, SystemExit | None)
