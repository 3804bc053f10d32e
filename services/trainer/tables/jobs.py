"""Jobs that score many items at once, what they wrote, and the labels that a model gave."""

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field

from services.trainer.tables.base import Base
from shared.contracts.base import new_id
from shared.db import UtcDateTime


class Job(Base, table=True):
    """One job; `kind` is scoring or autolabel, `state` that of a run.

    A scoring job reads the file `source` of the store, which is deleted at its end where it
    `owns_source`. `version` scores all rows. `done` of `size` says how far it is: bytes of the
    file, or items of the pool. `rows` have been scored and written, in `parts` files; `cursor` is
    the order key of the last item of the pool. `population`, pool or traffic, is what the
    certificate speaks of that answered rows.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_state", "state", "job_id"),
        Index("ix_jobs_project", "project", "job_id"),
    )

    job_id: str = Field(default_factory=new_id, primary_key=True)
    project: str
    kind: str
    state: str = "queued"
    requested_by: str
    version: str
    format: str = ""
    source: str = ""
    owns_source: bool = False
    asks: bool = False
    size: int = Field(default=0, sa_type=BigInteger)
    done: int = Field(default=0, sa_type=BigInteger)
    rows: int = Field(default=0, sa_type=BigInteger)
    answered: int = Field(default=0, sa_type=BigInteger)
    declined: int = Field(default=0, sa_type=BigInteger)
    rejected: int = Field(default=0, sa_type=BigInteger)
    parts: int = 0
    cursor: str = ""
    detail: str | None = None
    population: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class JobPart(Base, table=True):
    """One file of a scoring job's result, in the order of `number`."""

    __tablename__ = "job_parts"

    job_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    project: str
    path: str


class ModelLabel(Base, table=True):
    """The label that a certified version gave to an item of the pool. It trains and proves nothing.

    `certificate_id` names the certification that proved `threshold`, on `population`.
    """

    __tablename__ = "model_labels"

    project: str = Field(primary_key=True)
    item_id: str = Field(primary_key=True)
    label: str
    confidence: float
    version: str
    certificate_id: str | None = None
    target_accuracy: float
    promise_confidence: float
    threshold: float
    population: str | None = None
    job_id: str
    given_at: datetime = Field(sa_type=UtcDateTime)


class IdempotencyRecord(Base, table=True):
    """What a request of `kind` with an idempotency key has created; `digest` is of its body."""

    __tablename__ = "idempotency_records"

    project: str = Field(primary_key=True)
    idempotency_key: str = Field(primary_key=True)
    kind: str
    digest: str
    resource_id: str
    created_at: datetime = Field(sa_type=UtcDateTime)
