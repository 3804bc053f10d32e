"""The package as a user gets it: a small wheel that needs only httpx and pydantic, with types."""

import importlib.util
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.harness.processes import ROOT

pytestmark = pytest.mark.thorough

LARGEST_BYTES = 200_000
# What httpx and pydantic need, as their own metadata says.
NEEDED = (
    *("httpx", "httpcore", "h11", "anyio", "idna", "certifi", "sniffio"),
    *("pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"),
)
PIP = ("-m", "pip", "--disable-pip-version-check")


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # From a copy: a build leaves files in its source.
    run("cp", "-r", ROOT / "client", folder / "source", cwd=folder)
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder))
    run(sys.executable, *PIP, "wheel", *options, "./source", cwd=folder)
    (found,) = folder.glob("surehand-*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path) -> Path:
    """The interpreter of an environment with the wheel, httpx, pydantic and what these need."""
    folder = wheel.parent / "environment"
    venv.create(folder, with_pip=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in NEEDED:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            target = origin.parent if origin.name == "__init__.py" else origin
            (packages / target.name).symlink_to(target)
    found = folder / "bin" / "python"
    run(found, *PIP, "install", "--no-deps", "--no-index", str(wheel), cwd=wheel.parent)
    return found


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < LARGEST_BYTES


def test_an_empty_environment_runs_it(python: Path, tmp_path: Path) -> None:
    program = (
        "import surehand\n"
        "client = surehand.Surehand(router='http://127.0.0.1:1', token='t', retries=0)\n"
        "try: client.predict('demo', [{'data': {}}])\n"
        "except surehand.Unavailable as error: print(error.service, surehand.__file__)\n"
    )
    said = run(python, "-I", "-c", program, cwd=tmp_path)
    assert said.startswith("router ")
    assert "environment" in said


def test_a_users_program_has_all_types(python: Path, tmp_path: Path) -> None:
    program = tmp_path / "consumer.py"
    program.write_text((ROOT / "tests" / "e2e" / "client" / "consumer.py").read_text())
    options = ("--strict", "--config-file=", f"--cache-dir={tmp_path}", "--python-executable")
    run(sys.executable, "-m", "mypy", *options, str(python), str(program), cwd=tmp_path)
