"""The moves of versions between the channels of a project (pure)."""

from datetime import datetime

from services.trainer.tables import ProjectState
from shared.contracts.base import rfc3339

_HISTORY_KEPT = 100


def leave_channels(state: ProjectState, version: str) -> None:
    """Remove `version` from challenger and shadows."""
    if state.challenger == version:
        state.challenger, state.challenger_share = None, 0.0
    state.shadow = [name for name in state.shadow if name != version]


def make_challenger(state: ProjectState, version: str, share: float) -> None:
    """Make `version` the challenger, in place of the present one."""
    leave_channels(state, version)
    state.challenger, state.challenger_share = version, share


def make_shadow(state: ProjectState, version: str) -> None:
    """Let `version` be scored beside the answers only."""
    leave_channels(state, version)
    state.shadow = [*state.shadow, version]


def make_champion(state: ProjectState, version: str, moment: datetime) -> None:
    """Let `version` serve from `moment` on; the champion until then becomes the previous one."""
    leave_channels(state, version)
    state.previous, state.champion = state.champion, version
    event = {"champion": version, "live_at": rfc3339(moment)}
    state.history = [*state.history, event][-_HISTORY_KEPT:]
