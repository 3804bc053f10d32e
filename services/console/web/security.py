"""Headers that let a page load and send nothing but our own, and whose requests are ours."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

Guarded = TypeVar("Guarded", bound=Response)

_SAFE_METHODS = frozenset({"GET", "HEAD"})
_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")


def _policy(image_origins: Iterable[str] = ()) -> str:
    images = " ".join(["'self'", "data:", *sorted(image_origins)])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        f"img-src {images}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


_HEADERS = {
    "Content-Security-Policy": _policy(),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Not `no-referrer`: with it forms are sent with the origin `null`.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Site:
    """Where browsers find the console.

    Without `public_url` that is on this machine alone: a `Host` header is what a client says, and
    another name in it may be an attacker's. Items may show images of `image_origins`.
    """

    public_url: str
    image_origins: frozenset[str] = frozenset()

    @property
    def policy(self) -> str:
        """The Content-Security-Policy of a page that shows items."""
        return _policy(self.image_origins)

    def address(self, request: Request) -> str | None:
        """Base URL as browsers know it: as set, else a loopback `Host`, else None."""
        host = request.headers.get("host", "").lower()
        own = f"{request.url.scheme}://{host}" if _LOOPBACK.fullmatch(host) else None
        return self.public_url or own

    def is_own(self, request: Request) -> bool:
        """Whether a request that may change something comes from a page of this site."""
        if request.method in _SAFE_METHODS:
            return True
        own = self.address(request)
        return own is not None and request.headers.get("origin") == own

    def is_secure(self, request: Request) -> bool:
        """Whether browsers reach the site over TLS."""
        return (self.address(request) or "").startswith("https:")


def guarded(response: Guarded) -> Guarded:
    """Add the headers of a page."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def redirected(path: str) -> Response:
    """Send the browser to a path of this site by GET."""
    return guarded(RedirectResponse(path, status_code=303))


def local_path(path: str) -> str:
    """Return `path` where it is a path of this site, else the first page."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_local else "/"
