"""SQL of the shadow stages that a new one is told apart from."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlmodel import col

from services.trainer.tables import LedgerRow, ShadowStage
from shared.db import Session


async def running(session: Session, project: str) -> Sequence[ShadowStage]:
    """Return the stages that go on, oldest first."""
    query = (
        select(ShadowStage)
        .where(col(ShadowStage.project) == project, col(ShadowStage.state) == "running")
        .order_by(col(ShadowStage.began_at), col(ShadowStage.stage_id))
    )
    return (await session.execute(query)).scalars().all()


async def stages_against(session: Session, project: str, champion: str) -> int:
    """Return how many stages there were against this champion, whatever became of them."""
    query = select(func.count()).where(
        col(ShadowStage.project) == project, col(ShadowStage.champion) == champion
    )
    return int((await session.execute(query)).scalar_one())


async def last_decision(session: Session, project: str) -> int:
    """Return the place of the decision that was read last."""
    query = select(func.max(col(LedgerRow.id))).where(col(LedgerRow.project) == project)
    return (await session.execute(query)).scalar_one() or 0
