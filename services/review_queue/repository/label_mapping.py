"""The statements that give labels of a project other names.

What people answered gets the new name, so that consensus, statistics and exports count it; each
outcome gets one more revision, which tells readers of the feed. Timelines and earlier revisions
keep the old name: a line of the timeline says which label became which.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from services.review_queue.tables import EVENTS, OUTCOMES, TASKS, VERDICTS, Json
from services.review_queue.tables.gold import GOLD, PROBES
from shared.contracts.projects import Project
from shared.db import Session, UtcDateTime


async def apply(
    session: Session, after: Project, mapping: Mapping[str, str], actor: str | None
) -> None:
    """Give the labels in `mapping` (old: new) their new names in all answers and outcomes.

    Parameters
    ----------
    after : the project after the edit, at whose `updated_at` this happens
    """
    own = TASKS.c.project == after.project
    answered = sa.exists().where(
        VERDICTS.c.task_id == TASKS.c.task_id, VERDICTS.c.label.in_(mapping)
    )
    # In the order in which verdicts lock tasks.
    touched = sa.select(TASKS.c.task_id).where(own, sa.or_(TASKS.c.label.in_(mapping), answered))
    await session.execute(touched.order_by(TASKS.c.task_id).with_for_update())
    for old, new in mapping.items():
        await _tell(session, after, old, new, actor)
    await session.execute(_new_outcomes(after, mapping))
    resolved = sa.update(TASKS).where(own, TASKS.c.label.in_(mapping))
    await session.execute(
        resolved.values(
            label=_renamed(TASKS.c.label, mapping),
            revision=TASKS.c.revision + 1,
        )
    )
    of_project = VERDICTS.c.task_id.in_(sa.select(TASKS.c.task_id).where(own))
    await _rename(session, VERDICTS, "label", of_project, mapping)
    for table, column in ((GOLD, "label"), (PROBES, "label"), (PROBES, "expected")):
        await _rename(session, table, column, table.c.project == after.project, mapping)


async def _tell(session: Session, after: Project, old: str, new: str, actor: str | None) -> None:
    """Add a line to the timeline of each task that has the label in an answer or an outcome."""
    answered = sa.exists().where(VERDICTS.c.task_id == TASKS.c.task_id, VERDICTS.c.label == old)
    lines = sa.select(
        TASKS.c.task_id,
        sa.literal("label_mapped"),
        sa.literal(actor),
        sa.literal(after.updated_at, UtcDateTime()),
        sa.literal({"from": old, "to": new}, Json),
    ).where(TASKS.c.project == after.project, sa.or_(TASKS.c.label == old, answered))
    columns = ["task_id", "kind", "actor", "at", "detail"]
    await session.execute(sa.insert(EVENTS).from_select(columns, lines))


def _new_outcomes(after: Project, mapping: Mapping[str, str]) -> sa.Insert:
    """Return what adds a revision to each outcome; people resolved it when they did before."""
    copied = (
        *("project", "task_id", "lane", "source", "verdicts", "blind", "prediction"),
        *("instructions_revision", "resolved_at"),
    )
    changed = {
        "revision": OUTCOMES.c.revision + 1,
        "label": _renamed(OUTCOMES.c.label, mapping),
        "mapped": sa.true(),
    }
    newest = (
        sa.select(*(OUTCOMES.c[name] for name in copied), *changed.values())
        .join(TASKS, TASKS.c.task_id == OUTCOMES.c.task_id)
        .where(
            TASKS.c.project == after.project,
            TASKS.c.label.in_(mapping),
            OUTCOMES.c.revision == TASKS.c.revision,
        )
        .order_by(TASKS.c.task_id)
    )
    return sa.insert(OUTCOMES).from_select([*copied, *changed], newest)


async def _rename(
    session: Session,
    table: sa.Table,
    column: str,
    condition: sa.ColumnElement[bool],
    mapping: Mapping[str, str],
) -> None:
    named = table.c[column]
    rows = sa.update(table).where(condition, named.in_(mapping))
    await session.execute(rows.values({named: _renamed(named, mapping)}))


def _renamed(label: sa.ColumnElement[str], mapping: Mapping[str, str]) -> sa.ColumnElement[str]:
    return sa.case(mapping, value=label, else_=label)
