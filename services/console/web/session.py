"""The session of a person: a cookie that holds a token of this installation.

The services verify the token at each call. What is read from it here decides only which links a
page shows.
"""

import base64
import binascii
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Request, Response

COOKIE = "surehand_console"
# The code of the link that the browser was last let in by: it opens nothing, and asks for another.
LINK_COOKIE = "surehand_link"
_LINK_COOKIE_SECONDS = 180 * 86_400
_LONGEST_SECONDS = 30 * 86_400


@dataclass(frozen=True)
class Session:
    """Who is signed in. `projects` None means all; times are in Unix seconds.

    The token of a one-time link (`is_of_link`) can be renewed.
    """

    token: str
    subject: str
    role: str
    projects: tuple[str, ...] | None
    expires_at: float
    issued_at: float = 0.0
    is_of_link: bool = False

    @property
    def is_operator(self) -> bool:
        """Whether the person may run projects, where the services agree."""
        return self.role == "operator"

    @property
    def csrf(self) -> str:
        """What each form of this session carries; no other site can know it."""
        return hmac.digest(self.token.encode(), b"console form", "sha256").hex()

    @property
    def is_to_be_renewed(self) -> bool:
        """Whether more than half of the time of a link's token is over."""
        return self.is_of_link and time.time() > (self.issued_at + self.expires_at) / 2

    @property
    def seconds_left(self) -> int:
        """How long the cookie lasts."""
        return int(min(self.expires_at - time.time(), _LONGEST_SECONDS))


def read_token(token: str) -> Session | None:
    """Return the session that a token makes, its signature unseen; None where it is no token."""
    claims = _claims(token)
    if claims is None or not isinstance(claims.get("exp"), int | float):
        return None
    projects, issued_at = claims.get("projects"), claims.get("iat")
    return Session(
        token=token,
        subject=str(claims.get("sub", "")),
        role=str(claims.get("role", "")),
        projects=tuple(map(str, projects)) if isinstance(projects, list) else None,
        expires_at=float(claims["exp"]),
        issued_at=float(issued_at) if isinstance(issued_at, int | float) else 0.0,
        is_of_link="link" in claims,
    )


def _claims(token: str) -> Mapping[str, Any] | None:
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        return None
    try:
        decoded = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, orjson.JSONDecodeError):
        return None
    return decoded if isinstance(decoded, dict) else None


def session_of(request: Request) -> Session | None:
    """Return the session of a request; None without one, and once it has ended."""
    session = read_token(request.cookies.get(COOKIE, ""))
    return None if session is None or session.expires_at <= time.time() else session


def keep_session(request: Request, response: Response, session: Session) -> None:
    """Give the browser the cookie of a session; it ends with the token."""
    _keep(request, response, COOKIE, session.token, session.seconds_left)


def keep_link(request: Request, response: Response, code: str) -> None:
    """Let the browser ask for a new link later, by the code of the one that it used."""
    _keep(request, response, LINK_COOKIE, code, _LINK_COOKIE_SECONDS)


def _keep(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        secure=request.app.state.site.is_secure(request),
        httponly=True,
        samesite="lax",
    )
