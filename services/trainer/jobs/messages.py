"""Bodies of the jobs' routes."""

from typing import Literal

from pydantic import Field

from shared.contracts.base import Message, UtcTime
from shared.contracts.decisions import Reason

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
TextFormat = Literal["csv", "jsonl"]
FileFormat = Literal["csv", "jsonl", "parquet"]


class StoredFile(Message):
    """The JSON body of ``POST …/scoring``: a file in the store, below ``PROJECT/incoming/``.

    `format` null: as the path's ending says.
    """

    path: str = Field(min_length=1, max_length=1024)
    format: FileFormat | None = None


class AutolabelRequest(Message):
    """The body of ``POST …/pool/autolabel``; `ask` posts what is not certified to people."""

    ask: bool = True


class JobView(Message):
    """One job.

    `progress` is in [0, 1]. Of the `rows` scored so far, `answered` have a certified label,
    `declined` have none, and `rejected` are no items of the project. `population` is what the
    certificate of the answered rows was proven on; `caution` says where the job scores others.
    """

    job_id: str
    kind: Literal["scoring", "autolabel"]
    state: JobState
    progress: float
    version: str
    rows: int
    answered: int
    declined: int
    rejected: int
    detail: str | None
    population: str | None
    caution: str | None
    requested_by: str
    created_at: UtcTime
    started_at: UtcTime | None
    finished_at: UtcTime | None


class Jobs(Message):
    """A page of jobs, newest first."""

    jobs: list[JobView]
    cursor: str | None


class ScoredRow(Message):
    """One row of a scoring job's result, in the order of the file.

    `line` is that on which the row of the file ends, counted from 1, a header included; of Parquet
    it is the row's number. `label` is set where the row is answered under the certificate
    `certificate_id`; else `suggestion` is the version's guess. A row that is no item of the project
    is `rejected`, and `detail` says why.
    """

    line: int
    item_id: str | None
    decision: Literal["answered", "declined", "rejected"]
    label: str | None = None
    suggestion: str | None = None
    confidence: float | None = None
    reason: Reason | None = None
    model_version: str | None = None
    certificate_id: str | None = None
    detail: str | None = None
