"""Drift of the traffic, failing slices, and relabel plans."""

from surehand import endpoints as e
from surehand._async.pages import AsyncGroup
from surehand.models.monitoring import Drift, RelabelPlan, SliceChanges, Slices
from surehand.retries import keyed


class AsyncMonitoring(AsyncGroup):
    """`client.monitoring`: whether the items have changed, and where the model fails."""

    async def drift(self, project: str) -> Drift:
        """Return whether the champion's items are like those before; its `sentence` says it."""
        return await self._http.ask(e.DRIFT, {"project": project})

    async def accept_drift(self, project: str) -> Drift:
        """Compare items with those that come from now on: the warning of a change is lifted."""
        return await self._http.ask(e.DRIFT_ACCEPT, {"project": project})

    async def slices(self, project: str, version: str | None = None) -> Slices:
        """Return on which kinds of items the champion, or a version, is wrong more often."""
        return await self._http.ask(e.SLICES, {"project": project}, params={"version": version})

    async def slice_changes(self, project: str, version: str) -> SliceChanges:
        """Return the error rates of a version and of the one before it, slice by slice."""
        names = {"project": project, "version": version}
        return await self._http.ask(e.SLICE_CHANGES, names)

    async def plan_relabelling(
        self, project: str, labels: int | None = None, *, key: str | None = None
    ) -> RelabelPlan:
        """Choose which of the new items people are to label; `start_relabelling` asks them.

        Repeating a request with the same `key` gives the same plan.
        """
        names, body = {"project": project}, {"labels": labels}
        return await self._http.ask(e.RELABEL_PLAN, names, json=body, headers=keyed(key))

    async def start_relabelling(self, project: str, plan_id: str) -> RelabelPlan:
        """Ask people for a plan's labels."""
        names = {"project": project, "plan_id": plan_id}
        return await self._http.ask(e.RELABEL_START, names)

    async def relabel_plan(self, project: str, plan_id: str) -> RelabelPlan:
        """Return a plan, and how many of its items are labelled."""
        names = {"project": project, "plan_id": plan_id}
        return await self._http.ask(e.RELABEL_SHOW, names)

    async def relabel_plans(self, project: str) -> list[RelabelPlan]:
        """Return the newest hundred plans, newest first."""
        return (await self._http.ask(e.RELABEL_PLANS, {"project": project})).plans
