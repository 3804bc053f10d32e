"""Certifications, the watch of audits, and the history of promises."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, false, text
from sqlmodel import Field, col

from services.trainer.tables.base import SERIAL, Base
from shared.contracts.base import new_id
from shared.db import UtcDateTime


class Certification(Base, table=True):
    """One attempt at certifying one version: waiting, open, certified, failed or cancelled."""

    __tablename__ = "certifications"
    __table_args__ = (Index("ix_certifications_state", "project", "state"),)

    certification_id: str = Field(default_factory=new_id, primary_key=True)
    project: str
    version: str
    attempt: int
    purpose: str = "first"
    """first, renewal, recovery or requested."""
    test_id: str | None = None
    """The certification with the first draw of the test, which this draw goes on with; null for
    such a first draw."""
    test_number: int | None = None
    """Its number among the tests of the period, once it is open."""
    since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Only traffic and labels from then on count, where it is set."""
    state: str = "waiting"
    plan: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    population: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    human_error: dict[str, int] = Field(default_factory=dict, sa_type=JSON)
    """Counts of reviewers' errors when its draw was planned: `HumanError`."""
    project_digest: str | None = None
    result: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    labels_short: int | None = None
    detail: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class CertificationItem(Base, table=True):
    """An item drawn for a certification, with the version's label and score.

    `copy_of` names the drawn item of the same content whose verdict serves this one too. `verdict`
    and `finding` (`proof.messages.Finding`) are null until the certification is judged, and stay
    as they were then. `to_withdraw`: the certification ended without its label, and the review
    queue may still ask for it. `champion` has `version`, `label` and `score` of a certified
    champion that another version's item was scored by as well, for the promotion gate.
    """

    __tablename__ = "certification_items"
    __table_args__ = (
        Index("ix_certification_items_item", "project", "item_id"),
        Index(
            "ix_certification_items_to_withdraw",
            "project",
            "certification_id",
            sqlite_where=text("to_withdraw = 1"),
            postgresql_where=text("to_withdraw"),
        ),
    )

    certification_id: str = Field(primary_key=True)
    item_id: str = Field(primary_key=True)
    project: str
    position: int
    data: dict[str, Any] = Field(sa_type=JSON)
    item_metadata: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    score: float
    label: str
    posted: bool = False
    refused: str | None = None
    copy_of: str | None = None
    champion: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    verdict: str | None = None
    finding: str | None = None
    to_withdraw: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class CertificationPopulation(Base, table=True):
    """The population that a certification was drawn from, in its order.

    `rows` is gzipped NDJSON (`proof.messages.PopulationRow`): ids and scores, no content.
    """

    __tablename__ = "certification_populations"
    __table_args__ = (Index("ix_populations_opened", "project", "opened_at"),)

    certification_id: str = Field(primary_key=True)
    project: str
    opened_at: datetime = Field(sa_type=UtcDateTime)
    rows: bytes


class AuditWatch(Base, table=True):
    """How far the audited answers of one version were watched, and what they came to.

    `position` is the `id` of the last ledger row that was taken in. Of the `answered` rows up to it
    `audited` were drawn, where `expected` were to be by their propensities; `errors` of `reviewed`
    were wrong, an item that came again not counted. `log_sr` and `log_e` are logarithms of the
    detector's statistics, one of each for each alternative error rate. `bands` has [answered,
    reviewed, errors] of each band of scores (`bands.band_of`).
    """

    __tablename__ = "audit_watches"

    project: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    certified_at: datetime = Field(sa_type=UtcDateTime)
    position: int = Field(default=0, sa_type=BigInteger)
    answered: int = 0
    expected: float = 0.0
    audited: int = 0
    reviewed: int = 0
    errors: int = 0
    log_sr: list[float] = Field(default_factory=list, sa_type=JSON)
    log_e: list[float] = Field(default_factory=list, sa_type=JSON)
    bands: list[list[int]] = Field(default_factory=list, sa_type=JSON)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class PromiseChange(Base, table=True):
    """One line of the history of a promise: which version changed its state, and why.

    `actor` is the operator who asked for it, None where no one did. Lines are kept for good.
    """

    __tablename__ = "promise_changes"
    __table_args__ = (Index("ix_promise_changes", "project", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=SERIAL)
    project: str
    at: datetime = Field(sa_type=UtcDateTime)
    version: str | None = None
    from_state: str | None = None
    to_state: str
    cause: str
    detail: str | None = None
    actor: str | None = None


OF_DRAW = col(Certification.certification_id) == col(CertificationItem.certification_id)
"""That a drawn item is one of a certification's, in SQL."""
