"""Tokens of calls from Label Studio: the password of HTTP Basic, or a token header."""

import base64
import binascii
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response

from shared.auth import Verifier
from shared.http.body import StrictRoute
from shared.problems import Unauthorized

_TOKEN_SCHEMES = ("bearer", "token")


def token_of(header: str) -> str:
    """Return the token in an ``Authorization`` header.

    Raises `Unauthorized`: the header has none.
    """
    scheme, _, given = header.partition(" ")
    token = given.strip() if scheme.lower() in _TOKEN_SCHEMES else ""
    if scheme.lower() == "basic":
        try:
            _, _, token = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            token = ""
    if not token:
        raise Unauthorized("Send a token: as the password of HTTP Basic, or in a token header.")
    return token


class LabelStudioRoute(StrictRoute):
    """A strict route that knows its caller by any of these headers."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler: authenticate, then go on."""
        handle = super().get_route_handler()

        async def known(request: Request) -> Response:
            verifier: Verifier = request.app.state.verifier
            token = token_of(request.headers.get("authorization", ""))
            request.state.principal = verifier.verify(token)
            request.state.token = token
            return await handle(request)

        return known
