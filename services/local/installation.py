"""One local installation: its checked settings, ports, addresses and environment."""

import os
from dataclasses import dataclass, field

from pydantic_settings import BaseSettings, SettingsConfigDict

from services.local.home import Home
from services.serving import load_service_settings, port_of
from shared.settings import PREFIX, CommonSettings, load_settings

SQL_SERVICES = ("review_queue", "trainer")
SERVICE_NAMES = ("router", *SQL_SERVICES, "console")


class LauncherSettings(BaseSettings):
    """Settings of the launcher alone."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    demo: bool = True
    """Whether project `demo` is seeded at the first start."""


@dataclass
class Installation:
    """What to run, where. `ports` by service name; `tokens` by role, once they are issued."""

    common: CommonSettings
    ports: dict[str, int]
    demo: bool
    tokens: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls) -> "Installation":
        """Read and check the settings of the launcher and of every service.

        Raises `SettingsError`: any of them does not hold.
        """
        common = load_settings(CommonSettings)
        ports = {name: port_of(load_service_settings(name)) for name in SERVICE_NAMES}
        return cls(common, ports, load_settings(LauncherSettings).demo)

    @property
    def addresses(self) -> dict[str, str]:
        """Base URL of each service."""
        host = self.common.bind_host
        shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - only compared
        return {name: f"http://{shown}:{port}" for name, port in self.ports.items()}

    def environment(self, home: Home) -> dict[str, str]:
        """Return the environment of the children."""
        addresses = self.addresses
        ports = {f"{PREFIX}{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        own = {
            # There is no load balancer to wait for, and Ctrl-C should stop at once.
            "SUREHAND_DRAIN_SECONDS": os.environ.get("SUREHAND_DRAIN_SECONDS", "0"),
            "SUREHAND_HOME": str(home.folder),
            "SUREHAND_SECRET": self.common.secret.get_secret_value() or home.secret(),
            "SUREHAND_SERVICE_TOKEN": self.tokens["service"],
            "SUREHAND_REVIEW_QUEUE_URL": addresses["review_queue"],
            "SUREHAND_TRAINER_URL": addresses["trainer"],
            "SUREHAND_CONSOLE_ROUTER_URL": addresses["router"],
            "SUREHAND_REVIEW_QUEUE_CONSOLE_URL": addresses["console"],
        }
        if self.common.redis_url:
            own["SUREHAND_REDIS_URL"] = self.common.redis_url
        return {**os.environ, **ports, **own}
