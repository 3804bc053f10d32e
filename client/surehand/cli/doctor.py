"""``surehand doctor``: check what the installation needs, and say what to do."""

import os
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import typer
from rich.text import Text

from surehand._version import __version__
from surehand.addresses import SERVICES, Addresses, find_addresses
from surehand.cli import session
from surehand.cli.connection import Connection, local_home
from surehand.cli.failures import LOOK, UserError
from surehand.cli.text import duration, line_of, plain
from surehand.errors import SurehandError

_SECONDS = 5.0
_CLOCK_SECONDS = 5.0
_FREE_BYTES = 1024**3
_MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "bad": ("✗", "red")}
# What to do about a part that `/readyz` names.
_REMEDIES = {
    "doorbells": "Redis is away: start it, or check SUREHAND_REDIS_URL. Everything works, slower.",
    "store": "Check that SUREHAND_STORE can be reached and written.",
    "database": "Check that the database runs and SUREHAND_…_DATABASE_URL is right.",
    "database_writes": "Check the database's disk and its permissions.",
    "migrations": "Run python -m services migrate for that service, then restart it.",
    "review_queue": "Start the review queue; tasks wait in the router's spool until then.",
    "log": "Check the disk of the home.",
    "spool_disk": "Free space on the router's disk.",
    "audits_disk": "Free space on the router's disk.",
    "decision_log_disk": "Free space on the router's disk.",
    "versions": "Wait for the models to load; the trainer's log says why one cannot be.",
}


@dataclass(frozen=True)
class Finding:
    """One check: `state` is ok, warn or bad; `remedy` says what to do."""

    check: str
    state: str
    said: str
    remedy: str | None = None


def doctor(ctx: typer.Context, as_json: session.AsJson = False) -> None:
    """Check services, Redis, databases, store, clocks, keys, token and versions."""
    used, out = session.of(ctx), session.output(as_json)
    found: list[Finding] = []
    for finding in _findings(used):
        found.append(finding)
        if not as_json:
            mark, style = _MARKS[finding.state]
            said = f" {plain(finding.check)}: {line_of(finding.said, 500)}"
            out.console.print(Text.assemble((mark, style), said))
            if finding.remedy:
                out.say(f"  → {finding.remedy}")
    healthy = all(one.state != "bad" for one in found)
    if as_json:
        out.document({"healthy": healthy, "checks": [asdict(one) for one in found]})
    if not healthy:
        raise typer.Exit(LOOK)


def _findings(used: session.Session) -> Iterator[Finding]:
    try:
        connection = used.connection
        addresses = _addresses(connection)
    except (SurehandError, UserError) as error:
        yield Finding("address", "bad", str(error), "surehand up, or surehand login")
        yield from _home(local_home())
        return
    for service in SERVICES:
        if service in addresses.urls:
            yield from _service(service, addresses.urls[service])
        else:
            yield Finding(service, "warn", "its address is not known", f"Name it by --{service}.")
    yield _token(used)
    if addresses.are_local:
        yield from _home(local_home())
    yield Finding("command line", "ok", f"version {__version__}")


def _addresses(connection: Connection) -> Addresses:
    services = {name: getattr(connection, name) for name in SERVICES}
    # Health needs no token.
    return find_addresses(connection.url, services, connection.token or "none")


def _service(service: str, address: str) -> Iterator[Finding]:
    try:
        before = time.time()
        answer = httpx.get(f"{address}/readyz", timeout=_SECONDS, trust_env=False)
        document = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = f"cannot be reached at {address} ({error or type(error).__name__})"
        yield Finding(service, "bad", said, "Start it, or correct the address.")
        return
    except ValueError:
        said = f"what answers at {address} is no Surehand"
        yield Finding(service, "bad", said, "Correct the address.")
        return
    missing = document.get("missing") or {}
    if answer.is_success:
        yield Finding(service, "ok", f"ready at {address}")
    for part, detail in missing.items():
        yield Finding(f"{service} {part}", "bad", str(detail), _REMEDIES.get(part))
    for one in document.get("degraded") or []:
        part = str(one.get("part"))
        yield Finding(f"{service} {part}", "warn", str(one.get("detail")), _REMEDIES.get(part))
    yield from _clock(service, answer, (before + time.time()) / 2)


def _clock(service: str, answer: httpx.Response, now: float) -> Iterator[Finding]:
    if not (date := answer.headers.get("Date")):
        return
    apart = abs(parsedate_to_datetime(date).timestamp() - now)
    if apart > _CLOCK_SECONDS:
        said = f"{duration(apart)} apart from this machine's"
        yield Finding(f"{service} clock", "warn", said, "Synchronise both by NTP.")


def _token(used: session.Session) -> Finding:
    try:
        projects = list(used.client.projects.list())
    except SurehandError as error:
        return Finding("token", "bad", str(error), "surehand login, or restart the installation")
    return Finding("token", "ok", f"accepted; projects: {len(projects)}")


def _home(home: Path) -> Iterator[Finding]:
    if not home.is_dir():
        yield Finding("home", "warn", f"{home.absolute()} is not there", "surehand up makes it")
        return
    keys = list((home / "keys").glob("*.pem"))
    if not keys:
        yield Finding("keys", "warn", f"none in {home / 'keys'}", "surehand up makes them")
    private = [*keys, home / "tokens.json", home / "keys" / "secret"]
    loose = [path for path in private if path.exists() and _is_loose(path)]
    for path in loose:
        yield Finding("keys", "bad", f"{path} is readable by others", f"chmod 600 {path}")
    if keys and not loose:
        yield Finding("keys", "ok", f"in {home / 'keys'}, readable by this user alone")
    free = shutil.disk_usage(home).free
    said = f"{free / 1024**3:.1f} GiB free at {home.absolute()}"
    if free < _FREE_BYTES:
        yield Finding("disk", "warn", said, "Free some space.")
    else:
        yield Finding("disk", "ok", said)


def _is_loose(path: Path) -> bool:
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
