"""Which acts on a project's versions are possible now.

Promotions and rollbacks are decided here, and what is offered in place of a refused act.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from services.trainer.documents.status import is_certified, status_of
from services.trainer.registry.scores import fits_project
from services.trainer.tables import ProjectState, Version
from shared.contracts.base import Message
from shared.contracts.projects import Project
from shared.contracts.reasons import WHY_NOT
from shared.problems import Conflict

_MOST_PROMOTIONS = 5


class PossibleAct(Message):
    """An act that would be carried out now, with its route; `version` is the one it is about."""

    act: Literal["suspend", "promote", "rollback", "certify", "run"]
    version: str | None
    route: str


_WORDS = {
    "suspend": "stop automatic answers",
    "promote": "let {version} serve",
    "rollback": "let the previous champion {version} serve again",
    "certify": "certify {version}",
    "run": "train a new version",
}


@dataclass(frozen=True)
class RegistryState:
    """What the acts depend on.

    Parameters
    ----------
    versions : those in service
    pending : names of the versions whose certification waits for items or verdicts
    """

    project: Project
    state: ProjectState
    versions: Sequence[Version]
    pending: frozenset[str]
    now: datetime

    def may_serve(self, version: Version) -> bool:
        """Say whether the version may be champion: a certified one gives way to certified ones."""
        if version.retired:
            return False
        is_kept = is_certified(self._champion, self.project, self.now)
        return not is_kept or is_certified(version, self.project, self.now)

    def why_not_certified(self, version: Version) -> str:
        """Say in words why the version's certificate does not count now."""
        if version.certificate is None:
            return f"{version.version} has no certificate"
        status = status_of(version, self.project, None, self.now)
        reason = WHY_NOT.get(status.cause, status.cause).replace("the champion", version.version)
        return f"{version.version} is {status.state}: {reason}"

    def acts(self, refused: Version | None = None) -> list[PossibleAct]:
        """Return what is possible now, the quickest remedy first.

        Parameters
        ----------
        refused : the version that may not serve; it is offered for certification if it can be
        """
        others = [one for one in reversed(self.versions) if one.version != self.state.champion]
        serving = [one for one in others if self.may_serve(one)]
        serving.sort(key=lambda one: not is_certified(one, self.project, self.now))
        found = []
        champion = self._champion
        if champion and status_of(champion, self.project, self.state, self.now).answers:
            found.append(self._act("suspend", champion.version, "suspend"))
        found += [
            self._act("promote", one.version, f"versions/{one.version}/promote")
            for one in serving[:_MOST_PROMOTIONS]
        ]
        if any(one.version == self.state.previous for one in serving):
            found.append(self._act("rollback", self.state.previous, "rollback"))
        if refused is not None and self._can_be_certified(refused):
            found.append(self._act("certify", refused.version, "certify"))
        return [*found, self._act("run", None, "runs")]

    @property
    def _champion(self) -> Version | None:
        return next((one for one in self.versions if one.version == self.state.champion), None)

    def _can_be_certified(self, version: Version) -> bool:
        is_free = not version.retired and version.version not in self.pending
        return is_free and fits_project(version, self.project)

    def _act(self, act: str, version: str | None, path: str) -> PossibleAct:
        route = f"POST /v1/projects/{self.project.project}/{path}"
        return PossibleAct.model_validate({"act": act, "version": version, "route": route})


def refusal(
    kind: type[Conflict], reason: str, acts: Sequence[PossibleAct], **members: Any
) -> Conflict:
    """Return a refusal that says what is possible instead, in words and for programs."""
    offered = [f"{_WORDS[one.act].format(version=one.version)} with {one.route}" for one in acts]
    detail = f"{reason}. Possible now: {'; '.join(offered)}."
    return kind(detail, **members, possible=[one.model_dump() for one in acts])
