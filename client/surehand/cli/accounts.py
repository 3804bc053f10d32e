"""``surehand login`` and ``logout``."""

import base64
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import typer

from surehand.cli import session
from surehand.cli.connection import Connection, login_file, write_login
from surehand.cli.failures import UserError
from surehand.cli.text import moment


def login(
    ctx: typer.Context,
    link: Annotated[
        str | None, typer.Argument(help="A one-time link; without it, a token is asked for.")
    ] = None,
    as_json: session.AsJson = False,
) -> None:
    """Store the address and a token for this user: `surehand --url https://… login`.

    A link is redeemed for a token. A token is read from --token, SUREHAND_TOKEN, the terminal
    (hidden) or standard input.
    """
    used, out = session.of(ctx), session.output(as_json)
    place = _place(used)
    if link is not None:
        with replace(place, token="none").client() as client:  # noqa: S106 - sent nowhere else
            redeemed = client.links.redeem(_code(link))
        place = replace(place, token=redeemed.token)
    else:
        place = replace(place, token=place.token or _asked_for(out.is_interactive))
    with place.client() as client:
        client.projects.list().page(limit=1)
    path = write_login(place)
    claims = _claims(str(place.token))
    if as_json:
        out.document({"file": str(path), **claims})
        return
    until = f" until {moment(claims['expires_at'])}" if claims["expires_at"] else ""
    out.say(f"Signed in as {claims['subject']} ({claims['role']}){until}.")


def logout() -> None:
    """Remove what `login` stored."""
    login_file().unlink(missing_ok=True)


def _place(used: session.Session) -> Connection:
    """Return the addresses to store: the options', else those that count now."""
    if used.given.names_a_place:
        return used.given
    try:
        return used.connection
    except UserError as error:
        # A link leads to the console, which is none of the services that are called.
        raise UserError(
            "Sign in where? surehand --url https://surehand.example.com login"
        ) from error


def _code(link: str) -> str:
    """Return the code of a link, or the code itself."""
    codes = parse_qs(urlsplit(link).query).get("code", [])
    return codes[0] if codes else link


def _asked_for(interactive: bool) -> str:
    token = typer.prompt("Token", hide_input=True) if interactive else sys.stdin.readline()
    if not (found := str(token).strip()):
        raise UserError("No token was given.")
    return found


def _claims(token: str) -> dict[str, Any]:
    """Return what a token says of itself; nothing is verified here."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        expires = claims.get("exp")
    except (IndexError, ValueError):
        claims, expires = {}, None
    return {
        "subject": claims.get("sub"),
        "role": claims.get("role"),
        "projects": claims.get("projects"),
        "expires_at": None if expires is None else datetime.fromtimestamp(expires, UTC).isoformat(),
    }
