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
    workers: int = Field(default=1, ge=1, le=64)
    """Processes that share the port."""
    max_wait_seconds: float = Field(default=1.0, gt=0, le=60)
    """Longest that a new call may be expected to wait for its model, or for its pictures."""
    run_seconds: float = Field(default=10.0, ge=0.1, le=600)
    """Longest that one run of a model may take; it is ended then, and its calls get 503."""
    max_items: int = Field(default=10_000, ge=1000)
    """Most items that wait for a model, and most tasks on their way to the review queue."""
    rate_limit: float = Field(default=0.0, ge=0)
    """Items a second that one token may have predicted; 0 means any number."""
    spool_limit_bytes: int = Field(default=512 * 1024 * 1024, ge=1024 * 1024)
    """Most bytes of tasks that the spool keeps while the review queue is away."""
