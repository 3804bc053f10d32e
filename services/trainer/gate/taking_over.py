"""How a version that passed takes the champion's place: at once, by stages, or once approved."""

from typing import Literal

from services.trainer.gate.candidacy import Candidacy
from services.trainer.gate.shadow.beginning import begin
from services.trainer.projects import channels
from services.trainer.tables import Version
from shared.contracts.base import rfc3339


async def take_over(candidacy: Candidacy, *, by_stages: bool = False) -> None:
    """Let a version that passed serve, run in shadow first, or wait for an operator's approval.

    The first version of a project serves without one, since there is no other.

    Parameters
    ----------
    by_stages
        Both are certified: the version gets the stages that the project has, `shadow` and `canary`.
    """
    has_champion = candidacy.state.champion is not None
    if by_stages and candidacy.project.training.gate.shadow is not None and has_champion:
        await begin(candidacy)
    else:
        admit(candidacy, by_stages=by_stages)


def admit(candidacy: Candidacy, *, by_stages: bool = False) -> None:
    """Let a version that passed whatever it had to pass serve, or wait for an approval."""
    if not candidacy.project.training.auto_promote and candidacy.state.champion is not None:
        wait_for_approval(candidacy, by_stages=by_stages)
    else:
        serve(candidacy, by_stages=by_stages)


def wait_for_approval(candidacy: Candidacy, *, by_stages: bool, is_undecided: bool = False) -> None:
    """Let an operator decide on a version that passed, or whose shadow stage is undecided."""
    approval = {
        "state": "waiting",
        "champion": candidacy.state.champion,
        "by_stages": by_stages,
        "since": rfc3339(candidacy.now),
        "undecided": is_undecided,
    }
    candidacy.keep("approval", approval)


def forget(version: Version, step: str) -> None:
    """Forget what was kept of a step of a version's way, such as that it waits for an approval."""
    version.gate = {key: one for key, one in version.gate.items() if key != step}


def serve(candidacy: Candidacy, *, by_stages: bool = False, actor: str | None = None) -> None:
    """Let a version serve: at once, or with the first share of the canary."""
    state, shares = candidacy.state, candidacy.project.training.gate.canary
    if not by_stages or not shares:
        serve_all(candidacy, actor=actor)
        return
    document = {"share": shares[0], "stage": 1, "stages": len(shares)}
    candidacy.note("canary", actor=actor, document=document)
    canary = {"stage": 0, "champion": state.champion, "since": rfc3339(candidacy.now)}
    candidacy.keep("canary", canary)
    channels.make_challenger(state, candidacy.version.version, shares[0])


def serve_all(
    candidacy: Candidacy,
    kind: Literal["promoted", "rolled_back"] = "promoted",
    *,
    actor: str | None = None,
    note: str | None = None,
) -> None:
    """Make a version the champion, whatever its share was, with a line in the history."""
    candidacy.note(kind, actor=actor, text=note)
    channels.make_champion(candidacy.state, candidacy.version.version, candidacy.now)
