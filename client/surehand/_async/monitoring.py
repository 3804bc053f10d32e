"""Drift of the traffic."""

from surehand import endpoints as e
from surehand._async.pages import AsyncGroup
from surehand.models.monitoring import Drift


class AsyncMonitoring(AsyncGroup):
    """`client.monitoring`: whether the items have changed."""

    async def drift(self, project: str) -> Drift:
        """Return whether the champion's items are like those before; its `sentence` says it."""
        return await self._http.ask(e.DRIFT, {"project": project})

    async def accept_drift(self, project: str) -> Drift:
        """Take the items from now on as the usual ones: the warning of a change is lifted."""
        return await self._http.ask(e.DRIFT_ACCEPT, {"project": project})
