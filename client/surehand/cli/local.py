"""Commands of the services' own, where they are on this machine: ``up``, ``demo``, ``token``."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

import surehand
from surehand.cli.failures import UserError

_PACKAGE = "services"


def up() -> None:
    """Run everything on this machine: Redis, the services, the console."""
    _become("up")


def demo() -> None:
    """Tell the whole story on real posts, in a temporary home."""
    _become("demo")


def token(
    subject: Annotated[str, typer.Argument(help="Who acts, in every record.")],
    role: Annotated[str, typer.Option(help="caller, reviewer, operator or service.")],
    project: Annotated[
        list[str] | None, typer.Option("--project", "-p", help="Only for this one; repeatable.")
    ] = None,
    hours: Annotated[float, typer.Option(help="How long it is valid.")] = 24.0,
) -> None:
    """Print a token, signed by the keys of the installation on this machine."""
    named = [word for name in project or [] for word in ("--project", name)]
    _become("token", "--role", role, "--subject", subject, "--hours", str(hours), *named)


def _become(*words: str) -> None:
    """Replace this process by the services' command line.

    Raises
    ------
    UserError
        The services are not installed.
    """
    path = None if importlib.util.find_spec(_PACKAGE) else _checkout()
    more = {} if path is None else {"PYTHONPATH": _before(str(path), os.environ.get("PYTHONPATH"))}
    sys.stdout.flush()
    arguments = [sys.executable, "-m", _PACKAGE, *words]
    os.execve(sys.executable, arguments, {**os.environ, **more})  # noqa: S606 - no shell


def _checkout() -> Path:
    """Return the repository that this package is installed from."""
    folder = Path(surehand.__file__).resolve().parents[2]
    if not (folder / _PACKAGE / "__main__.py").is_file():
        raise UserError(
            "The services are not installed here: run this in an environment that has "
            "surehand-services, or clone the repository and run `make run`."
        )
    return folder


def _before(path: str, others: str | None) -> str:
    return path if not others else f"{path}{os.pathsep}{others}"
