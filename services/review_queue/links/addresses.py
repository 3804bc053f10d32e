"""Under which address browsers find this service."""

import re
from dataclasses import dataclass

from fastapi import Request

_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")


@dataclass(frozen=True)
class PublicAddress:
    """The address as it is set; without it the service is found on this machine alone.

    A `Host` header is what a client says, and another name in it may be an attacker's.
    """

    public_url: str

    def of(self, request: Request) -> str | None:
        """Return the base URL as browsers know it: as set, else a loopback `Host`, else None."""
        host = request.headers.get("host", "").lower()
        own = f"{request.url.scheme}://{host}" if _LOOPBACK.fullmatch(host) else None
        return self.public_url or own
