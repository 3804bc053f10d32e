"""The trainer's tables. JSON columns hold wire messages or plain numbers, never objects."""

from services.trainer.tables.base import (
    Base,
    batches_of,
    count_rows,
    find_items,
    fitting,
    insert_new,
    page_before,
    rows_of,
    same_item,
    update_items,
)
from services.trainer.tables.evidence import (
    DECLINED_ARM,
    UNIFORM_ARM,
    Dataset,
    LearningPoint,
    LedgerDay,
    LedgerFile,
    LedgerRow,
    OutcomeRow,
    PoolBatch,
    PoolItem,
    SecondOpinion,
    is_answered,
)
from services.trainer.tables.gate import PromotionEvent, ShadowItem, ShadowStage
from services.trainer.tables.jobs import IdempotencyRecord, Job, JobPart, ModelLabel
from services.trainer.tables.monitoring import DriftWatch, RelabelItem, RelabelPlan
from services.trainer.tables.projects import ProjectLease, ProjectState, Run, Version
from services.trainer.tables.promise import (
    OF_DRAW,
    AuditWatch,
    Certification,
    CertificationItem,
    CertificationPopulation,
    PromiseChange,
)
