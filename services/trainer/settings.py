"""Settings of the trainer."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class TrainerSettings(BaseSettings):
    """Read from ``SUREHAND_TRAINER_*`` variables."""

    model_config = SettingsConfigDict(env_prefix="SUREHAND_TRAINER_", frozen=True, extra="ignore")

    port: int = Field(default=8002, ge=1, le=65_535)
    """Port that the service listens on."""
    database_url: str = ""
    """SQL database; empty means the SQLite file `trainer.db` in `home`."""
    run_memory_mib: int = Field(default=8192, ge=512)
    """Address space that one training run may take, in MiB; less where the container has less."""
    run_cpu_seconds: int = Field(default=3600, ge=1)
    """Processor time that one training run may take."""
    auto_seconds: float = Field(default=900.0, ge=1, le=86_400)
    """How long recipe `auto` may try recipes; none begins after it."""
    check_seconds: int = Field(default=120, ge=1)
    """Processor time that the check of an uploaded model may take."""
    model_run_seconds: float = Field(default=10.0, ge=0.1, le=600)
    """Longest that one run of a version's model may take; as the router's `run_seconds`."""
    model_limit_bytes: int = Field(default=512 * 1024 * 1024, ge=1024)
    """Largest model that may be uploaded."""
    scoring_limit_bytes: int = Field(default=2 * 1024**3, ge=1024)
    """Largest file that `POST …/scoring` takes."""
    lease_seconds: float = Field(default=15.0, ge=1, le=3600)
    """How long a trainer that does not answer keeps its projects from another."""
