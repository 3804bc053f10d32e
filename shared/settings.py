"""Settings common to every service, and the check that stops a start on a wrong environment."""

import os
import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "SUREHAND_"
SECRETS_FOLDER = Path("/run/secrets")
_PLACEHOLDER = re.compile(
    r"change.?(me|this)|placeholder|example|secret|password|insecure|todo|<.*>|x{8}", re.IGNORECASE
)
_SECRET_LENGTH = 32
# Lower case, as browsers compare them; nothing that could end a directive of a page's policy.
_ORIGIN = re.compile(r"https?://[a-z0-9.\[\]:-]+(:[0-9]{1,5})?")


def is_origin(text: str) -> bool:
    """Say whether `text` is a scheme and a host, with a port or without."""
    return _ORIGIN.fullmatch(text) is not None


def _public_url(url: str) -> str:
    url = url.rstrip("/")
    if url and not is_origin(url):
        raise ValueError("must be a scheme and a host, e.g. https://surehand.example.org")
    return url


# The address under which browsers find a service, without a slash at its end; may be empty.
PublicUrl = Annotated[str, AfterValidator(_public_url)]


class SettingsError(Exception):
    """The environment is not one to start in; the message is one sentence for a person."""


class CommonSettings(BaseSettings):
    """Read from ``SUREHAND_*`` variables, or from files of the same lower-case name in secrets."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    home: Path = Path(".surehand")
    """Folder for all that this process keeps on its own disk."""
    bind_host: str = "127.0.0.1"
    """Address that the service listens on."""
    redis_url: str = ""
    """Redis for doorbells; empty means none: everything still works, on polling alone."""
    store_url: str = ""
    """Object store (file://, s3://, gs://, az://); empty means the folder `store` in `home`."""
    public_keys_dir: Path | None = None
    """Folder of public keys, KID.pem each; None means `keys/public` in `home`."""
    service_token: SecretStr = SecretStr("")
    """Token of role `service`, with which services call one another."""
    secret: SecretStr = SecretStr("")
    """At least 32 characters; audit keys are derived from it."""
    metrics_token: SecretStr = SecretStr("")
    """Bearer token that ``/metrics`` asks for; empty means none."""
    review_queue_url: str = "http://127.0.0.1:8001"
    """Where the router and the trainer find the review queue."""
    trainer_url: str = "http://127.0.0.1:8002"
    """Where others find the trainer."""
    trusted_proxies: str = "127.0.0.1 ::1"
    """Addresses and networks whose `X-Forwarded-For` says where a request comes from, apart by
    spaces: the review queue is to trust the console, and the console the proxy before it."""
    body_limit_bytes: int = Field(default=8 * 1024 * 1024, ge=1024)
    """Largest request body that is read."""
    header_timeout_seconds: float = Field(default=10.0, gt=0, le=600)
    """How long a connection may take to send a request's headers."""
    body_timeout_seconds: float = Field(default=30.0, gt=0, le=3600)
    """How long it may take to send the body."""
    drain_seconds: float = Field(default=0.5, ge=0, le=300)
    """How long a service that stops still takes requests, and asks for connections to be closed."""
    hang_seconds: int = Field(default=60, ge=0, le=3600)
    """How long the event loop of a supervised process may stand still before the process is killed
    and started again; 0 means for ever."""
    poll_seconds: float = Field(default=1.0, gt=0, le=60)
    """Interval of polls when no doorbell rings. While doorbells arrive, sources over all projects
    (the store's indexes, the feeds) are polled a tenth as often."""
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    """Least severe log line that is written."""

    @field_validator("secret")
    @classmethod
    def _no_placeholder(cls, secret: SecretStr) -> SecretStr:
        text = secret.get_secret_value()
        if text and (len(text) < _SECRET_LENGTH or _PLACEHOLDER.search(text)):
            raise ValueError(f"must be {_SECRET_LENGTH} random characters, not a placeholder")
        return secret

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, proxies: str) -> str:
        for one in proxies.split():
            ip_network(one, strict=False)
        return proxies

    @property
    def keys_folder(self) -> Path:
        """Folder of the public keys."""
        return self.public_keys_dir or self.home / "keys" / "public"

    @property
    def store_address(self) -> str:
        """URL of the object store."""
        return self.store_url or (self.home / "store").resolve().as_uri()

    def database_address(self, service: str, database_url: str) -> str:
        """Return `database_url`, or if it is empty the URL of the service's SQLite file."""
        file = (self.home / f"{service}.db").resolve()
        return database_url or f"sqlite+aiosqlite:///{file}"


Settings = TypeVar("Settings", bound=BaseSettings)

# Of the launcher and of every service, kept equal to the settings classes by a test.
_SETTINGS = {
    "": ("DEMO", *map(str.upper, CommonSettings.model_fields)),
    "ROUTER_": (
        *("PORT", "WORKERS", "MAX_WAITERS", "MAX_WAIT_SECONDS", "RUN_SECONDS", "MAX_ITEMS"),
        *("RATE_LIMIT", "SPOOL_LIMIT_BYTES"),
    ),
    "REVIEW_QUEUE_": (
        *("PORT", "DATABASE_URL", "CONSOLE_URL", "SIGNING_KEYS_DIR", "IMPORT_LIMIT_BYTES"),
        *("WEBHOOKS_ALLOW_PRIVATE", "WEBHOOK_SECRETS_DIR", "WEBHOOK_SHARED_SECRETS"),
    ),
    "TRAINER_": (
        *("PORT", "DATABASE_URL", "RUN_MEMORY_MIB", "RUN_CPU_SECONDS", "AUTO_SECONDS"),
        *("CHECK_SECONDS", "MODEL_LIMIT_BYTES", "SCORING_LIMIT_BYTES", "MODEL_RUN_SECONDS"),
        "LEASE_SECONDS",
    ),
    "CONSOLE_": ("PORT", "ROUTER_URL", "PUBLIC_URL", "IMAGE_ORIGINS"),
}
KNOWN_VARIABLES = frozenset(
    PREFIX + service + name for service, names in _SETTINGS.items() for name in names
)


def load_settings(
    kind: type[Settings], environment: Mapping[str, str] | None = None, **given: Any
) -> Settings:
    """Read and check settings of `kind`; what is `given` counts for the environment's.

    Raises `SettingsError`: an unknown ``SUREHAND_`` variable, a value out of bounds, or a
    placeholder secret.
    """
    refuse_unknown(os.environ if environment is None else environment)
    folder = SECRETS_FOLDER if SECRETS_FOLDER.is_dir() else None
    try:
        return kind(_secrets_dir=folder, **given)
    except ValidationError as error:
        raise SettingsError(_sentence(error, str(kind.model_config.get("env_prefix")))) from error


def named_value(name: str, folder: Path) -> str | None:
    """Return what the file `name` in `folder`, else the environment variable `name`, holds.

    Looked up at each call: a file that is replaced counts from then on. None when there is
    neither. `name` is one path segment, which the caller has made sure of.
    """
    try:
        return (folder / name).read_text()
    except (OSError, UnicodeDecodeError):
        return os.environ.get(name)


def refuse_unknown(names: Iterable[str]) -> None:
    """Raise `SettingsError` when a ``SUREHAND_`` variable is not a setting of any service."""
    unknown = sorted(
        name for name in names if name.startswith(PREFIX) and name not in KNOWN_VARIABLES
    )
    if unknown:
        raise SettingsError(
            f"Unknown setting {', '.join(unknown)}: correct the name or unset it "
            "(docs/reference/settings.md lists all)."
        )


def _sentence(error: ValidationError, prefix: str) -> str:
    faults = [
        f"{prefix}{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}"
        for fault in error.errors()
    ]
    return "Settings do not hold: " + "; ".join(faults) + "."
