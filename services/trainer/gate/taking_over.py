"""How a version that passed takes the champion's place: at once, by stages, or once approved."""

from datetime import datetime

from services.trainer.gate import repository
from services.trainer.gate.shadow.beginning import begin
from services.trainer.projects import channels
from services.trainer.tables import ProjectState, Version
from shared.contracts.base import rfc3339
from shared.contracts.projects import Project
from shared.db import Session


async def take_over(
    session: Session,
    project: Project,
    state: ProjectState,
    version: Version,
    now: datetime,
    *,
    by_stages: bool = False,
) -> None:
    """Let a version that passed serve, run in shadow first, or wait for an operator's approval.

    The first version of a project serves without one, since there is no other.

    Parameters
    ----------
    by_stages
        Both are certified: the version gets the stages that the project has, `shadow` and `canary`.
    """
    if by_stages and project.training.gate.shadow is not None and state.champion is not None:
        await begin(session, project, state, version, now)
        return
    admit(session, project, state, version, now, by_stages=by_stages)


def admit(
    session: Session,
    project: Project,
    state: ProjectState,
    version: Version,
    now: datetime,
    *,
    by_stages: bool = False,
) -> None:
    """Let a version that passed whatever it had to pass serve, or wait for an approval."""
    if not project.training.auto_promote and state.champion is not None:
        wait_for_approval(state, version, now, by_stages=by_stages)
        return
    serve(session, project, state, version, now, by_stages=by_stages)


def wait_for_approval(
    state: ProjectState,
    version: Version,
    now: datetime,
    *,
    by_stages: bool,
    is_undecided: bool = False,
) -> None:
    """Let an operator decide on a version that passed, or whose shadow stage is undecided."""
    version.gate = {
        **version.gate,
        "approval": {
            "state": "waiting",
            "champion": state.champion,
            "by_stages": by_stages,
            "since": rfc3339(now),
            "undecided": is_undecided,
        },
    }


def forget_approval(version: Version) -> None:
    """Let a version wait for no operator."""
    version.gate = {key: one for key, one in version.gate.items() if key != "approval"}


def serve(
    session: Session,
    project: Project,
    state: ProjectState,
    version: Version,
    now: datetime,
    *,
    by_stages: bool = False,
    actor: str | None = None,
    note: str | None = None,
) -> None:
    """Let a version serve: at once, or with the first share of the canary."""
    shares = project.training.gate.canary
    if by_stages and shares:
        repository.note(
            session,
            state,
            "canary",
            version.version,
            now,
            actor=actor,
            text=note,
            document={"share": shares[0], "stage": 1, "stages": len(shares)},
        )
        version.gate = {
            **version.gate,
            "canary": {"stage": 0, "champion": state.champion, "since": rfc3339(now)},
        }
        channels.make_challenger(state, version.version, shares[0])
        return
    serve_all(session, state, version, now, actor=actor, note=note)


def serve_all(
    session: Session,
    state: ProjectState,
    version: Version,
    now: datetime,
    *,
    actor: str | None = None,
    note: str | None = None,
) -> None:
    """Make a version the champion, whatever its share was, with a line in the history."""
    repository.note(session, state, "promoted", version.version, now, actor=actor, text=note)
    channels.make_champion(state, version.version, now)
