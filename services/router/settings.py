"""The router's settings."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class RouterSettings(BaseSettings):
    """Read from ``SUREHAND_ROUTER_*`` variables."""

    model_config = SettingsConfigDict(env_prefix="SUREHAND_ROUTER_", frozen=True, extra="ignore")

    port: int = Field(default=8000, ge=0, le=65_535)
    """Port that the router listens on."""
    max_waiters: int = Field(default=10_000, ge=0)
    """Most items that calls with `wait_seconds` wait for at once; further ones do not wait."""
