"""Drift of the traffic, and failing slices."""

from surehand import endpoints as e
from surehand._sync.pages import Group
from surehand.models.monitoring import Drift, Slices


class Monitoring(Group):
    """`client.monitoring`: whether the items have changed, and where the model fails."""

    def drift(self, project: str) -> Drift:
        """Return whether the champion's items are like those before; its `sentence` says it."""
        return self._http.ask(e.DRIFT, {"project": project})

    def accept_drift(self, project: str) -> Drift:
        """Take the items from now on as the usual ones: the warning of a change is lifted."""
        return self._http.ask(e.DRIFT_ACCEPT, {"project": project})

    def slices(self, project: str, version: str | None = None) -> Slices:
        """Return on which kinds of items the champion, or a version, is wrong more often."""
        return self._http.ask(e.SLICES, {"project": project}, params={"version": version})
