"""The project's row, which every use case of a project begins with."""

import re
from typing import Any

from sqlalchemy import Row, select

from services.review_queue.tables import PROJECTS
from shared.contracts.base import PROJECT_PATTERN
from shared.db import Session
from shared.problems import NotFound


async def instructions_revision(session: Session, name: str) -> int:
    """Return the revision of a project's instructions, also of a deleted one."""
    statement = select(PROJECTS.c.instructions_revision).where(PROJECTS.c.name == name)
    return int((await session.execute(statement)).scalar_one())


async def require_project(session: Session, name: str) -> Row[Any]:
    """Return the project's row, only to read it; `NotFound` when there is none."""
    # A name that cannot be is not looked up: databases do not take every text.
    if re.fullmatch(PROJECT_PATTERN, name):
        is_deleted = PROJECTS.c.deleted_at.is_not(None)
        statement = select(PROJECTS).where(PROJECTS.c.name == name, ~is_deleted)
        if row := (await session.execute(statement)).one_or_none():
            return row
    raise NotFound("There is no such project; PUT it first.", project=name)
