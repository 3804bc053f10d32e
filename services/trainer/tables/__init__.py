"""The trainer's tables. JSON columns hold wire messages or plain numbers, never objects."""

from services.trainer.tables.base import Base, batches_of, insert_new
from services.trainer.tables.evidence import (
    Dataset,
    LedgerDay,
    LedgerFile,
    LedgerRow,
    OutcomeRow,
    PoolItem,
    SecondOpinion,
)
from services.trainer.tables.gate import PromotionEvent
from services.trainer.tables.jobs import Job, JobPart, ModelLabel
from services.trainer.tables.monitoring import DriftWatch
from services.trainer.tables.projects import ProjectLease, ProjectState, Run, Version
from services.trainer.tables.promise import (
    AuditWatch,
    Certification,
    CertificationItem,
    CertificationPopulation,
    PromiseChange,
)

__all__ = [
    "AuditWatch",
    "Base",
    "Certification",
    "CertificationItem",
    "CertificationPopulation",
    "Dataset",
    "DriftWatch",
    "Job",
    "JobPart",
    "LedgerDay",
    "LedgerFile",
    "LedgerRow",
    "ModelLabel",
    "OutcomeRow",
    "PoolItem",
    "ProjectLease",
    "ProjectState",
    "PromiseChange",
    "PromotionEvent",
    "Run",
    "SecondOpinion",
    "Version",
    "batches_of",
    "insert_new",
]
