"""Which installation the command line speaks to: options, environment, local home, or login."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import typer

from surehand import Surehand
from surehand.cli.failures import AWAY, NOT_ALLOWED, UserError

_SERVICES = ("router", "review_queue", "trainer")
_FILE = "login.json"


@dataclass(frozen=True)
class Connection:
    """Addresses and token; what is None is found by the client."""

    url: str | None = None
    router: str | None = None
    review_queue: str | None = None
    trainer: str | None = None
    console: str | None = None
    token: str | None = None

    @property
    def names_a_place(self) -> bool:
        """Whether it says where any service is."""
        return any((self.url, self.router, self.review_queue, self.trainer))

    def client(self, **options: Any) -> Surehand:
        """Return a client.

        Raises
        ------
        ConfigurationError
            No address or no token was found.
        """
        given = {key: value for key, value in asdict(self).items() if key != "console"}
        return Surehand(**given, **options)


def local_home(environment: Mapping[str, str] | None = None) -> Path:
    """Return the home of the installation on this machine."""
    known = os.environ if environment is None else environment
    return Path(known.get("SUREHAND_HOME") or ".surehand")


def read_document(path: Path) -> dict[str, Any]:
    """Return a JSON file's object; an empty one if there is none."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def login_file() -> Path:
    """Return the file that `login` writes."""
    return Path(typer.get_app_dir("surehand")) / _FILE


def write_login(connection: Connection) -> Path:
    """Store a connection, readable by this user alone; return the file."""
    path = login_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    body = json.dumps({key: value for key, value in asdict(connection).items() if value}, indent=2)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(body + "\n")
    fresh.replace(path)
    return path


def find_connection(given: Connection) -> Connection:
    """Complete what the options say.

    The nearest counts: options, then the environment, then the installation that runs on this
    machine in ``SUREHAND_HOME`` or ``./.surehand``, then what `login` stored.
    """
    token = given.token or os.environ.get("SUREHAND_TOKEN")
    if given.names_a_place:
        return replace(given, token=token)
    if url := os.environ.get("SUREHAND_URL"):
        return Connection(url=url, token=token)
    home = local_home()
    ready = read_document(home / "ready")
    if ready:
        return Connection(console=ready.get("console"), token=token)
    if os.environ.get("SUREHAND_HOME"):
        raise UserError(f"No Surehand runs on {home.absolute()}: `surehand up` starts one.", AWAY)
    stored = _stored()
    if stored is None:
        raise UserError(
            f"No Surehand runs on {home.absolute()}, and nobody has signed in: `surehand up` "
            "starts one there, SUREHAND_HOME names another folder, and `surehand login` signs in "
            "to one elsewhere.",
            NOT_ALLOWED,
        )
    return replace(stored, token=token or stored.token)


def _stored() -> Connection | None:
    document = read_document(login_file())
    known = {field.name for field in fields(Connection)}
    given = {key: str(value) for key, value in document.items() if key in known and value}
    found = Connection(**given)
    return found if found.names_a_place else None
