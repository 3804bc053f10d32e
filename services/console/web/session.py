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
from fastapi import Request

COOKIE = "surehand_console"
_LONGEST_SECONDS = 30 * 86_400


@dataclass(frozen=True)
class Session:
    """Who is signed in. `projects` None means all; `expires_at` in Unix seconds."""

    token: str
    subject: str
    role: str
    projects: tuple[str, ...] | None
    expires_at: float

    @property
    def is_operator(self) -> bool:
        """Whether the person may run projects, where the services agree."""
        return self.role == "operator"

    @property
    def csrf(self) -> str:
        """What each form of this session carries; no other site can know it."""
        return hmac.digest(self.token.encode(), b"console form", "sha256").hex()

    @property
    def seconds_left(self) -> int:
        """How long the cookie lasts."""
        return int(min(self.expires_at - time.time(), _LONGEST_SECONDS))


def read_token(token: str) -> Session | None:
    """Return the session that a token makes, its signature unseen; None where it is no token."""
    claims = _claims(token)
    if claims is None or not isinstance(claims.get("exp"), int | float):
        return None
    projects = claims.get("projects")
    return Session(
        token=token,
        subject=str(claims.get("sub", "")),
        role=str(claims.get("role", "")),
        projects=tuple(map(str, projects)) if isinstance(projects, list) else None,
        expires_at=float(claims["exp"]),
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
