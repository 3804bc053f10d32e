"""How the shadow stage of a version begins."""

from datetime import timedelta

from services.trainer.gate import repository
from services.trainer.gate.candidacy import Candidacy
from services.trainer.gate.comparing import GateTerms
from services.trainer.gate.spending import try_alpha
from services.trainer.tables import ShadowStage
from shared.contracts.base import rfc3339


async def begin(candidacy: Candidacy) -> None:
    """Let a certified version be compared with the champion on what clients send from now on.

    If the two have a running stage, it continues.
    """
    champion, version = candidacy.state.champion, candidacy.version.version
    going_on = await repository.running_stages(candidacy.session, candidacy.project.project)
    if any((one.version, one.champion) == (version, champion) for one in going_on):
        return
    stage = await _stage(candidacy)
    candidacy.session.add(stage)
    terms = {"number": stage.number, "alpha": stage.alpha, "margin": stage.margin}
    bounds = {"labels": stage.labels, "share_of_items": stage.share}
    document = {**terms, **bounds, "ends_at": rfc3339(stage.ends_at)}
    candidacy.note("shadow_stage", document=document)
    approval = {
        "state": "in_shadow",
        "champion": champion,
        "by_stages": True,
        "since": rfc3339(candidacy.now),
    }
    candidacy.keep("approval", approval)


async def _stage(candidacy: Candidacy) -> ShadowStage:
    session, project, version = candidacy.session, candidacy.project, candidacy.version
    settings, champion = project.training.gate, candidacy.state.champion
    if settings.shadow is None or champion is None or version.certificate is None:
        raise ValueError("a shadow stage compares a certified version with a champion")
    number = 1 + await repository.stages_against(session, project.project, champion)
    return ShadowStage(
        project=project.project,
        version=version.version,
        champion=champion,
        number=number,
        alpha=try_alpha(settings.alpha, number),
        margin=GateTerms(settings, project.promise.target_accuracy).margin,
        threshold=version.certificate["threshold"],
        labels=settings.shadow.labels,
        share=settings.shadow.share,
        position=await repository.last_decision(session, project.project),
        began_at=candidacy.now,
        ends_at=candidacy.now + timedelta(days=settings.shadow.days),
    )
