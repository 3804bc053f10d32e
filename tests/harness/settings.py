"""Settings of the services under test."""

import secrets
from pathlib import Path

from pydantic import SecretStr

from shared.auth import Keys
from shared.settings import CommonSettings


def common_settings(home: Path, keys: Keys, redis_url: str) -> CommonSettings:
    """Return the settings that all services have, with prompt polling."""
    return CommonSettings(
        home=home,
        redis_url=redis_url,
        store_url=(home / "store").as_uri(),
        secret=SecretStr(secrets.token_hex(32)),
        service_token=SecretStr(keys.issue("service", "tests")),
        # Each poll of each loop costs processor time, which waiting tests take from working ones.
        poll_seconds=0.25,
    )
