"""Jobs that score many items."""

from datetime import datetime

from surehand.models.base import Model


class Job(Model):
    """A job; `kind` is scoring or autolabel.

    `state` is queued, running, succeeded, failed or cancelled, `progress` in [0, 1]. Of the `rows`
    so far `answered` have a certified label, `declined` have none, and `rejected` are no items of
    the project. `population` (pool or traffic) is what the certificate was proven on, and `caution`
    says where that is not what the job scores.
    """

    job_id: str
    kind: str
    state: str
    progress: float
    version: str
    rows: int
    answered: int
    declined: int
    rejected: int
    detail: str | None = None
    population: str | None = None
    caution: str | None = None
    requested_by: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state not in {"queued", "running"}
