"""A machine that is new to Surehand: what `make` needs, and what the README has one type."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from services.demo.plan import OPEN_POSTS, Plan, project
from services.demo.seed import leave_open
from services.demo.surehand import PROJECT, connected
from services.demo.texts import RatedText
from services.serving import SERVICES
from tests.harness.installation import Launched, launch
from tests.harness.processes import ROOT

pytestmark = pytest.mark.thorough

SAID = "has no venv module: install it (Debian, Ubuntu: apt install python3-venv)"


def _checkout(folder: Path) -> Path:
    """Make a checkout with nothing to install, whose `up` says where it runs."""
    (folder / "requirements").mkdir(parents=True)
    (folder / "requirements" / "embedded.txt").touch()
    (folder / "client").mkdir()
    (folder / "client" / "pyproject.toml").touch()
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
        ["make", "run", f"PYTHON={python}", "INSTALL_CLIENT=true"],
        cwd=checkout, env=inherited, timeout=300, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout.decode()


def test_make_says_what_to_install_begins_a_half_made_venv_anew_and_keeps_a_whole_one(
    tmp_path: Path,
) -> None:
    checkout = _checkout(tmp_path / "checkout")
    lacking = _python_without_venv(tmp_path)
    status, words = _make(checkout, lacking)
    assert (status != 0, SAID in words) == (True, True)
    assert not (checkout / ".venv").exists()

    # As `python3 -m venv` leaves it where it cannot install pip.
    half = [sys.executable, "-m", "venv", "--without-pip", str(checkout / ".venv")]
    subprocess.run(half, check=True)
    status, words = _make(checkout, lacking)
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


async def test_after_make_run_posts_wait_for_a_person_and_the_curl_of_the_readme_works(
    tmp_path: Path,
) -> None:
    (commands,) = [block for block in _commands("README.md") if "curl" in block]
    texts = [RatedText(f"read-{number}", f"Post {number}", (1,)) for number in range(200)]
    plan = Plan(held_out=[], first_stream=texts, second_stream=[], pool=[], changed=[])
    with launch(tmp_path / "home") as launched:
        addresses = {name: launched.address(name) for name in SERVICES}
        async with connected(addresses, launched.token("operator")) as surehand:
            await surehand.projects.put(PROJECT, project(min_new_labels=1000))
            await leave_open(surehand, plan)
            queue = await surehand.queue.get(PROJECT)
        answer = json.loads(_typed(launched, commands, tmp_path))
    assert queue.open == OPEN_POSTS
    assert [one["item_id"] for one in answer["predictions"]] == ["post-1", "post-2"]


def _in_shell(launched: Launched, commands: str, folder: Path, words: str = "") -> str:
    """Run commands where ``.venv/bin`` is the first place to look for programs."""
    programs = {"surehand": "-m surehand.cli", "python": ""}
    for name, arguments in programs.items():
        program = folder / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {arguments} "$@"\n')
        program.chmod(0o700)
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "client"),
        "SUREHAND_HOME": str(launched.home),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder, env=environment, timeout=200,
        capture_output=True, text=True, check=False, input=words,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_commands_of_the_tutorial_work_as_written(tmp_path: Path) -> None:
    page = (ROOT / "docs/tutorials/your-own-data.md").read_text()
    made = re.findall(r"`(python3 examples/made_up_reviews.py [^`]*)`", page)
    assert len(made) == 2
    start, follow, *steps = _commands("docs/tutorials/your-own-data.md")
    assert "git clone" in start
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with launch(tmp_path / "home") as launched:
        _in_shell(launched, "\n".join(made), tmp_path)
        _in_shell(launched, follow.replace(". .venv/bin/activate\n", ""), tmp_path)
        said = [_in_shell(launched, step, tmp_path, "1\n2\nu\nq\n") for step in steps]
    describe, labelled, unlabelled, review, status, predict = said
    assert describe == "Created reviews.\n"
    assert labelled.startswith("Imported 240 labelled and 0 unlabelled rows")
    assert unlabelled.startswith("Imported 0 labelled and 240 unlabelled rows")
    # A certificate takes labels first: test_whole_loop gives them.
    assert review.rstrip().endswith(("answer.", "answers."))
    assert status.count("ertified") + status.count("valid") > 0
    assert predict.startswith("order-1 ")
