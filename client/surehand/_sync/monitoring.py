"""Drift of the traffic."""

from surehand import endpoints as e
from surehand._sync.pages import Group
from surehand.models.monitoring import Drift


class Monitoring(Group):
    """`client.monitoring`: whether the items have changed."""

    def drift(self, project: str) -> Drift:
        """Return whether the champion's items are like those before; its `sentence` says it."""
        return self._http.ask(e.DRIFT, {"project": project})

    def accept_drift(self, project: str) -> Drift:
        """Take the items from now on as the usual ones: the warning of a change is lifted."""
        return self._http.ask(e.DRIFT_ACCEPT, {"project": project})
