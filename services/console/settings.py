"""This service's own settings."""

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import PublicUrl, is_origin


class ConsoleSettings(BaseSettings):
    """Read from ``SUREHAND_CONSOLE_*`` variables."""

    model_config = SettingsConfigDict(env_prefix="SUREHAND_CONSOLE_", frozen=True, extra="ignore")

    port: int = Field(default=8003, ge=0, le=65_535)
    """Port that the service listens on."""
    router_url: str = "http://127.0.0.1:8000"
    """Where the console finds the router."""
    public_url: PublicUrl = ""
    """Address under which browsers find the console; empty means on this machine alone."""
    image_origins: str = ""
    """Other origins whose images the reviewers' desk may load, apart by spaces."""

    @field_validator("image_origins")
    @classmethod
    def _origins(cls, origins: str) -> str:
        if not all(map(is_origin, origins.split())):
            raise ValueError("must be origins, e.g. https://images.example.org, apart by spaces")
        return origins

    @property
    def allowed_image_origins(self) -> frozenset[str]:
        """The origins of `image_origins`."""
        return frozenset(self.image_origins.split())
