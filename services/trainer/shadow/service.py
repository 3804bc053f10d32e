"""Go on with shadow stages: score live items, and end a stage once its verdicts decide it.

The items, their data and the champion's answers are those of the decision log. So a stage costs the
routers nothing, and changes no answer.
"""

from collections.abc import Sequence, Set
from datetime import datetime, timedelta
from typing import Any

import structlog

from services.trainer.datasets.service import contents_of
from services.trainer.documents.status import is_certified, status_of
from services.trainer.gate import repository as history
from services.trainer.gate.candidacy import Candidacy
from services.trainer.gate.rule import GateDecision
from services.trainer.gate.service import record
from services.trainer.gate.shadow.betting import ShadowCounts
from services.trainer.gate.shadow.verdict import (
    Ending,
    ShadowTerms,
    decide,
    ending_of,
    figures_of,
)
from services.trainer.gate.taking_over import admit, forget, wait_for_approval
from services.trainer.posting.repository import end_disagreements
from services.trainer.projects.repository import locking, read_state
from services.trainer.projects.service import work_bell
from services.trainer.registry import repository as registry
from services.trainer.registry.scores import ModelUnusable, score_items
from services.trainer.resources import Resources
from services.trainer.shadow import repository
from services.trainer.shadow.scoring import candidates, keep, room_of
from services.trainer.tables import LedgerRow, ProjectState, ShadowStage, Version
from shared.contracts.projects import Project
from shared.contracts.reasons import WHY_NOT
from shared.db import Session

log = structlog.get_logger()

# Decisions looked at in one step, and scored at most.
_DECISIONS = 500
_MOST_ITEMS = 200_000
# To load a model takes time: a few items are not worth it at every turn.
_REST = timedelta(seconds=20)


async def step(resources: Resources, project: Project) -> None:
    """Score what has come, and end what is decided; each stage by itself."""
    async with resources.database.reading() as session:
        going_on = await history.running_stages(session, project.project)
    if all([await _has_ended(resources, project, stage) for stage in going_on]):
        resources.trained_on.pop(project.project, None)


async def _has_ended(resources: Resources, project: Project, stage: ShadowStage) -> bool:
    """Take a stage one step on; say whether that ended it."""
    if await _end_if_void(resources, project, stage):
        return True
    if await _judge(resources, project, stage):
        return True
    return await _score(resources, project, stage) and await _judge(resources, project, stage)


async def _end_if_void(resources: Resources, project: Project, stage: ShadowStage) -> bool:
    """End a stage whose comparison has lost its meaning; say whether that was so."""
    async with resources.database.reading() as session:
        state = await read_state(session, project.project)
        version = await registry.find(session, project.project, stage.version)
        champion = await registry.find(session, project.project, stage.champion)
    reason = _why_void(project, state, version, stage, resources.now())
    if reason is not None:
        await _end(resources, project, stage, reason)
    elif not is_certified(champion, project, resources.now()):
        reason = f"{stage.champion} is no longer certified, and gives way to a certified version"
        await _end(resources, project, stage, reason, gives_way=True)
    return reason is not None


def _why_void(
    project: Project,
    state: ProjectState | None,
    version: Version | None,
    stage: ShadowStage,
    now: datetime,
) -> str | None:
    if state is None or version is None or version.retired:
        return f"{stage.version} is retired"
    if state.champion != stage.champion:
        return f"it was compared with {stage.champion}, which no longer serves"
    said = version.gate.get("approval", {})
    if said.get("state") != "in_shadow":
        return f"an operator has {said.get('state', 'decided on')} it"
    status = status_of(version, project, None, now)
    return None if status.answers else WHY_NOT.get(status.cause, status.cause)


async def _end(
    resources: Resources,
    project: Project,
    stage: ShadowStage,
    reason: str,
    *,
    gives_way: bool = False,
) -> None:
    """End a stage without a judgement; a champion that `gives_way` needs none."""
    async with locking(resources.database, project.project) as (session, state):
        locked = await repository.lock(session, stage.stage_id)
        now = resources.now()
        version = await registry.find(session, project.project, locked.version)
        champion = await registry.find(session, project.project, locked.champion)
        if locked.state != "running":
            return
        if gives_way and (
            is_certified(champion, project, now)
            or _why_void(project, state, version, locked, now) is not None
        ):
            return  # the champion has a certificate again, or the version none
        counts = await repository.counts(session, locked)
        locked.state, locked.closed_at = "ended", now
        await end_disagreements(session, project.project, [locked.stage_id])
        locked.document = {
            "figures": figures_of(counts, terms_of(project, locked)),
            "reasons": [reason],
        }
        history.note(session, state, "shadow_stage_ended", locked.version, now, text=reason)
        if version is not None and version.gate.get("approval", {}).get("state") == "in_shadow":
            forget(version, "approval")
            if gives_way:
                admit(Candidacy(session, project, state, version, now))
    await resources.documents.sync(project.project)
    log.info("shadow_stage_ended", project=project.project, version=stage.version, detail=reason)


def terms_of(project: Project, stage: ShadowStage) -> ShadowTerms:
    """Return what a stage is judged by: as it was when it began, but for a refusal's alpha."""
    return ShadowTerms(stage.margin, stage.alpha, project.training.gate.alpha, stage.labels)


async def _unread(resources: Resources, stage: ShadowStage) -> tuple[Sequence[LedgerRow], bool]:
    """Return the decisions to score now, and whether more wait; none while the stage rests."""
    async with resources.database.reading() as session:
        if stage.items >= _MOST_ITEMS or (
            room_of(stage, await repository.counts(session, stage)) <= 0
        ):
            return [], False
        count = await repository.count_unread(session, stage, _DECISIONS)
        rests = stage.scored_at is not None and resources.now() - stage.scored_at < _REST
        if not count or (rests and count < _DECISIONS):
            return [], False
        rows = await repository.next_unread(session, stage, count)
    return rows, count == _DECISIONS or len(rows) < count


async def _score(resources: Resources, project: Project, stage: ShadowStage) -> bool:
    """Score what the champion has decided since, as far as people have room; say if any was."""
    rows, is_more = await _unread(resources, stage)
    async with resources.database.reading() as session:
        state = await read_state(session, project.project)
        version = await registry.find(session, project.project, stage.version)
    if not rows or version is None:
        return False
    trained_on = await _trained_on(resources, project.project, version.dataset_id)
    seed = "" if state is None else state.pool_seed
    found = candidates(project, stage, seed, rows, trained_on)
    try:
        scored = await score_items(
            resources, project, version, [one.row.row["data"] for one in found]
        )
    except ModelUnusable as error:
        await _end(resources, project, stage, str(error))
        return False
    async with locking(resources.database, project.project) as (session, _):
        locked = await repository.lock(session, stage.stage_id)
        if locked.state != "running" or locked.position != stage.position:
            return False  # another trainer was here first
        await keep(session, locked, found, scored, rows[-1].id or 0)
        # It does not rest before the rest of what came at once.
        is_cut = is_more and len(rows) < _DECISIONS and locked.position == rows[-1].id
        locked.scored_at = None if is_cut else resources.now()
    await resources.posting.post_or_leave(project.project)
    if is_more:
        await resources.bells.ring(work_bell(project.project))
    return True


async def _trained_on(resources: Resources, project: str, dataset_id: str) -> Set[str]:
    """Return the contents of a snapshot, read once for a stage: an erasure alone changes them."""
    known = resources.trained_on.get(project)
    if known is None or known[0] != dataset_id:
        known = dataset_id, await contents_of(resources, project, dataset_id)
        resources.trained_on[project] = known
    return known[1]


async def _judge(resources: Resources, project: Project, stage: ShadowStage) -> bool:
    """End the stage if its verdicts decide it; say whether it has ended."""
    async with resources.database.reading() as session:
        stage = await repository.lock(session, stage.stage_id)
        ending = _ending(project, stage, await repository.counts(session, stage), resources.now())
    if stage.state != "running":
        return True
    if ending is None:
        return False
    async with locking(resources.database, project.project) as (session, state):
        locked = await repository.lock(session, stage.stage_id)
        now = resources.now()
        counts = await repository.counts(session, locked)
        ending = _ending(project, locked, counts, now)
        version = await registry.find(session, project.project, locked.version)
        void = _why_void(project, state, version, locked, now)
        if ending is None or version is None or void is not None or locked.state != "running":
            return False
        terms = terms_of(project, locked)
        decision = decide(counts, terms, ending)
        locked.state, locked.closed_at = ending, now
        await end_disagreements(session, project.project, [locked.stage_id])
        locked.document = {"figures": figures_of(counts, terms), "reasons": decision.reasons}
        _apply(Candidacy(session, project, state, version, now), ending, decision)
    await resources.documents.sync(project.project)
    log.info("shadow_stage_judged", project=project.project, version=stage.version, ending=ending)
    return True


def _ending(
    project: Project, stage: ShadowStage, counts: ShadowCounts, now: datetime
) -> Ending | None:
    is_over = now >= stage.ends_at or stage.items >= _MOST_ITEMS
    return ending_of(counts, terms_of(project, stage), is_over=is_over)


def _apply(candidacy: Candidacy, ending: Ending, decision: GateDecision) -> None:
    """Write the judgement, and let the version go on, wait for an operator, or go no further."""
    record(candidacy, "shadow", decision)
    forget(candidacy.version, "approval")
    if ending == "passed":
        admit(candidacy, by_stages=True)
    elif ending == "undecided":
        wait_for_approval(candidacy, by_stages=True, is_undecided=True)


async def stage_figures(session: Session, project: Project, stage: ShadowStage) -> dict[str, Any]:
    """Return the figures of a stage: as it ended, or as they are now."""
    if stage.document is not None:
        return dict(stage.document["figures"])
    counts = await repository.counts(session, stage)
    return dict(figures_of(counts, terms_of(project, stage)))
