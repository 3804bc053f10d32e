"""This service's own settings."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ReviewQueueSettings(BaseSettings):
    """Read from ``SUREHAND_REVIEW_QUEUE_*`` variables."""

    model_config = SettingsConfigDict(
        env_prefix="SUREHAND_REVIEW_QUEUE_", frozen=True, extra="ignore"
    )

    port: int = Field(default=8001, ge=0, le=65_535)
    """Port that the service listens on."""
    database_url: str = ""
    """Database; empty means SQLite in ``SUREHAND_HOME``."""
    import_limit_bytes: int = Field(default=16 * 1024**3, ge=1024)
    """Largest body of an import."""
