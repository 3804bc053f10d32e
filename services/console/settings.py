"""This service's own settings."""

import re

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# Lower case, as browsers compare them; nothing that could end a directive of the page's policy.
_ORIGIN = re.compile(r"https?://[a-z0-9.\[\]:-]+(:[0-9]{1,5})?")


class ConsoleSettings(BaseSettings):
    """Read from ``SUREHAND_CONSOLE_*`` variables."""

    model_config = SettingsConfigDict(env_prefix="SUREHAND_CONSOLE_", frozen=True, extra="ignore")

    port: int = Field(default=8003, ge=0, le=65_535)
    """Port that the service listens on."""
    router_url: str = "http://127.0.0.1:8000"
    """Where the console finds the router."""
    public_url: str = ""
    """Address under which browsers find the console; empty means on this machine alone."""
    image_origins: str = ""
    """Other origins whose images the reviewers' desk may load, apart by spaces."""

    @field_validator("public_url")
    @classmethod
    def _origin(cls, url: str) -> str:
        url = url.rstrip("/")
        if url and not _ORIGIN.fullmatch(url):
            raise ValueError("must be a scheme and a host, e.g. https://surehand.example.org")
        return url

    @field_validator("image_origins")
    @classmethod
    def _origins(cls, origins: str) -> str:
        if not all(map(_ORIGIN.fullmatch, origins.split())):
            raise ValueError("must be origins, e.g. https://images.example.org, apart by spaces")
        return origins

    @property
    def allowed_image_origins(self) -> frozenset[str]:
        """The origins of `image_origins`."""
        return frozenset(self.image_origins.split())
