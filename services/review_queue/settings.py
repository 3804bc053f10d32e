"""This service's own settings."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import SECRETS_FOLDER, PublicUrl


class ReviewQueueSettings(BaseSettings):
    """Read from ``SUREHAND_REVIEW_QUEUE_*`` variables."""

    model_config = SettingsConfigDict(
        env_prefix="SUREHAND_REVIEW_QUEUE_", frozen=True, extra="ignore"
    )

    port: int = Field(default=8001, ge=0, le=65_535)
    """Port that the service listens on."""
    database_url: str = ""
    """Database; empty means SQLite in ``SUREHAND_HOME``."""
    webhooks_allow_private: bool = False
    """Whether webhooks may go to private addresses, and to http URLs."""
    webhook_secrets_dir: Path = SECRETS_FOLDER
    """Folder in which a webhook's `secret_ref` is looked for before the environment."""
    webhook_shared_secrets: str = ""
    """Names of secrets that the webhooks of every project may use, apart by spaces."""
    console_url: PublicUrl = ""
    """Address under which browsers find the console; empty means that links are paths alone."""
    signing_keys_dir: Path | None = None
    """Folder of the private key that signs tokens of one-time links; None means `keys` in home."""

    import_limit_bytes: int = Field(default=16 * 1024**3, ge=1024)
    """Largest body of an import."""
