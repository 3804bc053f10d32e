"""A machine that is new to Surehand: what `make` needs, and what the README has one type."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.installation import Launched, launch
from tests.harness.processes import ROOT

pytestmark = pytest.mark.thorough

DEMO = {
    "labels": ["negative", "positive"],
    "fields": {"text": {"type": "text", "max_length": 20_000}},
}
SAID = "has no venv module: install it (Debian, Ubuntu: apt install python3-venv)"


def _checkout(folder: Path) -> Path:
    """Make a checkout with nothing to install, whose `up` says where it runs."""
    (folder / "requirements").mkdir(parents=True)
    (folder / "requirements" / "embedded.txt").touch()
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "services").mkdir()
    (folder / "services" / "__main__.py").write_text("import sys; print('up in', sys.prefix)")
    return folder


def _python_without_venv(folder: Path) -> Path:
    """Make a Python as Debian's is before python3-venv is installed."""
    lacking = folder / "lacking"
    lacking.mkdir()
    (lacking / "ensurepip.py").write_text("raise ModuleNotFoundError('ensurepip')")
    python = folder / "python-without-venv"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{lacking}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return python


def _make(checkout: Path, python: Path | str) -> tuple[int, str]:
    inherited = {key: value for key, value in os.environ.items() if key[:4] != "MAKE"}
    done = subprocess.run(
        ["make", "run", f"PYTHON={python}"],
        cwd=checkout, env=inherited, timeout=300, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout.decode()


def test_without_venv_make_says_what_to_install_and_goes_on_once_it_is_there(
    tmp_path: Path,
) -> None:
    checkout = _checkout(tmp_path / "checkout")
    status, words = _make(checkout, _python_without_venv(tmp_path))
    assert status != 0
    assert SAID in words
    assert not (checkout / ".venv").exists()
    status, words = _make(checkout, sys.executable)
    assert (status, f"up in {checkout}/.venv" in words) == (0, True)


def test_a_half_made_venv_is_begun_anew_and_a_whole_one_is_kept(tmp_path: Path) -> None:
    checkout = _checkout(tmp_path / "checkout")
    # As `python3 -m venv` leaves it where it cannot install pip.
    half = [sys.executable, "-m", "venv", "--without-pip", str(checkout / ".venv")]
    subprocess.run(half, check=True)
    status, words = _make(checkout, _python_without_venv(tmp_path))
    assert (status != 0, SAID in words) == (True, True)
    status, words = _make(checkout, sys.executable)
    assert (status, f"up in {checkout}/.venv" in words) == (0, True)

    # Whole, and made by the release before, which left no mark.
    (checkout / ".venv" / "made").unlink()
    (checkout / ".venv" / "kept").touch()
    status, _ = _make(checkout, sys.executable)
    assert (status, (checkout / ".venv" / "kept").exists()) == (0, True)


def _commands(page: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


def _typed(launched: Launched, commands: str, folder: Path, words: str = "") -> str:
    """Run what a page has one type, against this installation, in the checkout."""
    for name, port in (("router", 8000), ("review_queue", 8001), ("trainer", 8002)):
        commands = commands.replace(f"http://127.0.0.1:{port}/", f"{launched.address(name)}/")
    commands = commands.replace(".venv/bin/python", sys.executable).replace(
        "reviews.csv", str(folder / "reviews.csv")
    )
    inherited = {key: value for key, value in os.environ.items() if key != "TOKEN"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=ROOT, env={**inherited, "SUREHAND_HOME": str(launched.home)}, timeout=120,
        capture_output=True, text=True, check=False, input=words,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def test_the_curl_of_the_readme_works_as_written(tmp_path: Path) -> None:
    (commands,) = [block for block in _commands("README.md") if "curl" in block]
    with launch(tmp_path / "home") as launched:
        async with launched.client("review_queue", "operator") as queue:
            assert (await queue.put("/v1/projects/demo", json=DEMO)).status_code == 201
        answer = json.loads(_typed(launched, commands, tmp_path))
    assert [one["item_id"] for one in answer["predictions"]] == ["post-1", "post-2"]


def test_the_commands_of_the_tutorial_work_as_written(tmp_path: Path) -> None:
    page = (ROOT / "docs/tutorials/your-own-data.md").read_text()
    assert "`python3 examples/made_up_reviews.py > reviews.csv`" in page
    start, *steps = _commands("docs/tutorials/your-own-data.md")
    assert "git clone" in start
    # A certificate and an answer by a person take labels first: test_whole_loop gives them.
    login, *calls = [step for step in steps if "/certificate" not in step]
    with launch(tmp_path / "home") as launched:
        _typed(launched, "python3 examples/made_up_reviews.py > reviews.csv", tmp_path)
        for call in calls:
            queue = launched.address("review_queue")
            labelling = re.sub(r"(label_in_terminal\.py .*\))", rf"\1 {queue}", call)
            said = _typed(launched, f"{login}\n{labelling}", tmp_path, "1\n2\nu\nq\n")
            if labelling != call:
                assert said.endswith("1 labelled.\n")
            else:
                assert said
