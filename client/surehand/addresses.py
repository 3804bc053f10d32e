"""Where the services are, and which token the client sends them.

Nothing here speaks to a service.
"""

import ipaddress
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from surehand.errors import ConfigurationError

SERVICES = ("router", "review_queue", "trainer")


@dataclass(frozen=True)
class Addresses:
    """The base URL of each known service, without a slash at the end, and the token."""

    urls: Mapping[str, str]
    token: str

    def url(self, service: str, path: str) -> str:
        """Return the address of `path` at `service`.

        Raises
        ------
        ConfigurationError
            The client was not told where the service is.
        """
        if service not in SERVICES:
            raise ConfigurationError(f"{service!r} is no service: name one of {SERVICES}.")
        if service not in self.urls:
            raise ConfigurationError(
                f"The client does not know where the {service} is: pass {service}=…, "
                "or url=… for all services behind one address."
            )
        return self.urls[service] + path

    @property
    def are_local(self) -> bool:
        """Whether every service is on this machine."""
        return all(_is_local(url) for url in self.urls.values())


def find_addresses(
    url: str | None,
    services: Mapping[str, str | None],
    token: str | None,
    environment: Mapping[str, str] | None = None,
) -> Addresses:
    """Complete what the caller gave from the environment and the local home.

    `url` is a gateway, which has each service under a prefix of its name: ``URL/router``,
    ``URL/review_queue``, ``URL/trainer``. `services` has addresses of single services, which come
    first. If neither is given, ``SUREHAND_URL`` counts, then the installation on this machine,
    whose home is ``SUREHAND_HOME`` or ``.surehand``. Its operator's token is used if no other is
    given, for services on this machine only.

    Raises
    ------
    ConfigurationError
        No address or no token was found.
    """
    known = os.environ if environment is None else environment
    home = Path(known.get("SUREHAND_HOME") or ".surehand")
    named = {name: _checked(address) for name, address in services.items() if address}
    gateway = url or (None if named else known.get("SUREHAND_URL"))
    if gateway:
        named = {name: f"{_checked(gateway)}/{name}" for name in SERVICES} | named
    urls = named or _local_urls(home)
    local = all(_is_local(address) for address in urls.values())
    found = token
    if found is None:
        found = known.get("SUREHAND_TOKEN") or (_local_token(home) if local else None)
    if found is None:
        raise ConfigurationError("No token: pass token=…, or set SUREHAND_TOKEN.")
    return Addresses(urls, found)


def _checked(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(
            f"{address!r} is no address: it must begin with http:// or https:// and name a host."
        )
    if parts.query or parts.fragment:
        raise ConfigurationError(f"{address!r} is no address: it has a query or a fragment.")
    return address.rstrip("/")


def _local_urls(home: Path) -> dict[str, str]:
    document = _read(home / "ready")
    if document is None:
        raise ConfigurationError(
            f"No Surehand runs on {home.absolute()}: pass url=…, set SUREHAND_URL, "
            "or start one with `make run`."
        )
    return {name: _checked(str(document[name])) for name in SERVICES if name in document}


def _local_token(home: Path) -> str | None:
    document = _read(home / "tokens.json")
    return None if document is None else document.get("operator")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def _is_local(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
