"""How the shadow stage of a version begins."""

from datetime import datetime, timedelta

from services.trainer.gate import repository as history
from services.trainer.gate.shadow import repository
from services.trainer.gate.spending import try_alpha
from services.trainer.tables import ProjectState, ShadowStage, Version
from shared.contracts.base import rfc3339
from shared.contracts.certificates import complement
from shared.contracts.projects import Project
from shared.db import Session


async def begin(
    session: Session,
    project: Project,
    state: ProjectState,
    version: Version,
    now: datetime,
) -> None:
    """Let a certified version be compared with the champion on what clients send from now on.

    If the two have a running stage, it continues.
    """
    gate, champion = project.training.gate, state.champion
    if gate.shadow is None or champion is None or version.certificate is None:
        raise ValueError("a shadow stage compares a certified version with a champion")
    going_on = await repository.running(session, project.project)
    if any((one.version, one.champion) == (version.version, champion) for one in going_on):
        return
    stage = await _stage(session, project, champion, version, now)
    session.add(stage)
    terms = {"number": stage.number, "alpha": stage.alpha, "margin": stage.margin}
    bounds = {"labels": stage.labels, "share_of_items": stage.share}
    history.note(
        session,
        state,
        "shadow_stage",
        version.version,
        now,
        document={**terms, **bounds, "ends_at": rfc3339(stage.ends_at)},
    )
    version.gate = {
        **version.gate,
        "approval": {
            "state": "in_shadow",
            "champion": champion,
            "by_stages": True,
            "since": rfc3339(now),
        },
    }


async def _stage(
    session: Session, project: Project, champion: str, version: Version, now: datetime
) -> ShadowStage:
    gate, certificate = project.training.gate, version.certificate
    assert gate.shadow is not None
    assert certificate is not None
    number = 1 + await repository.stages_against(session, project.project, champion)
    half = complement(project.promise.target_accuracy) / 2
    return ShadowStage(
        project=project.project,
        version=version.version,
        champion=champion,
        number=number,
        alpha=try_alpha(gate.alpha, number),
        margin=half if gate.margin is None else gate.margin,
        threshold=certificate["threshold"],
        labels=gate.shadow.labels,
        share=gate.shadow.share,
        position=await repository.last_decision(session, project.project),
        began_at=now,
        ends_at=now + timedelta(days=gate.shadow.days),
    )
