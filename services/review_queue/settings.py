"""This service's own settings."""

import re
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import SECRETS_FOLDER

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")


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
    console_url: str = ""
    """Address under which browsers find the console; empty means that links are paths alone."""
    signing_keys_dir: Path | None = None
    """Folder of the private key that signs tokens of one-time links; None means `keys` in home."""

    import_limit_bytes: int = Field(default=16 * 1024**3, ge=1024)
    """Largest body of an import."""

    @field_validator("console_url")
    @classmethod
    def _origin(cls, url: str) -> str:
        url = url.rstrip("/")
        if url and not _ORIGIN.fullmatch(url):
            raise ValueError("must be a scheme and a host, e.g. https://surehand.example.org")
        return url
