"""The command line, run in the test's process against the client's installation."""

import contextlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from surehand.cli.app import app
from tests.e2e.client.conftest import Installation

_NUMBERS = itertools.count(1)


class Shell:
    """Runs commands as a person does who sits at the installation's machine."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self.installation = installation
        self.folder = folder
        self.status = 0
        self.errors = ""

    def run(self, *words: object, status: int | None = 0, input: str | None = None) -> str:  # noqa: A002
        """Run a command that ends with `status` (None: any); return its standard output."""
        result = CliRunner().invoke(app, [str(word) for word in words], input=input)
        self.errors = result.stderr
        assert status in {None, result.exit_code}, (result.output, result.exception)
        assert "Traceback" not in result.output
        return result.stdout

    def json(self, *words: object, status: int | None = 0) -> Any:
        """Run a command with ``--json``; return what it prints."""
        return json.loads(self.run(*words, "--json", status=status))

    def file(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def project(self, **members: Any) -> str:
        """Create a project; return its name."""
        name = f"cli-{next(_NUMBERS)}"
        spec = {"labels": ["happy", "unhappy"], "fields": {"text": {"type": "text"}}, **members}
        self.run("project", "create", name, "--file", self.file("project.json", json.dumps(spec)))
        return name


@pytest.fixture
def shell(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    for name in ("SUREHAND_URL", "SUREHAND_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SUREHAND_HOME", str(installation.home.folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    with services_log_to(tmp_path / "services.log"):
        yield Shell(installation, tmp_path)


@contextlib.contextmanager
def services_log_to(file: Path) -> Iterator[None]:
    """Keep the services' log out of the commands' output: both run in this process."""
    before = structlog.get_config()
    with file.open("w") as log:
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(log))
        try:
            yield
        finally:
            structlog.configure(**before)
