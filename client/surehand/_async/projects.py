"""Projects, their webhooks and activity."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from surehand import endpoints as e
from surehand._async.pages import AsyncGroup, AsyncPages
from surehand.models.projects import (
    ActivityEntry,
    Project,
    ProjectDeletion,
    ProjectFigures,
    ProjectPreview,
    WebhookDelivery,
    WebhookStatus,
    WebhookTrial,
)


class AsyncProjects(AsyncGroup):
    """`client.projects`: create, change, archive and delete projects."""

    def list(self) -> AsyncPages[Project]:
        """List the projects that the token may see."""
        return AsyncPages(self._http, e.PROJECTS, {})

    def overview(self, *, since: datetime | None = None) -> AsyncPages[ProjectFigures]:
        """List the projects with what waits in each; answers count from `since` (today, UTC)."""
        return AsyncPages(self._http, e.OVERVIEW, {}, {"since": since})

    async def get(self, project: str) -> Project:
        """Return a project."""
        return await self._http.ask(e.GET_PROJECT, {"project": project})

    async def put(
        self,
        project: str,
        document: Mapping[str, Any],
        *,
        revision: int | None = None,
        allow_label_removal: bool = False,
    ) -> Project:
        """Create a project, or replace all of it: members that are left out get their defaults.

        With `revision` only that revision is replaced (`Conflict` otherwise). An edit that removes
        labels that tasks use needs `allow_label_removal`.
        """
        return await self._http.ask(
            e.PUT_PROJECT,
            {"project": project},
            json=document,
            params={"allow_label_removal": allow_label_removal or None},
            headers=_if_match(revision),
        )

    async def patch(
        self,
        project: str,
        changes: Mapping[str, Any],
        *,
        revision: int | None = None,
        allow_label_removal: bool = False,
    ) -> Project:
        """Change the named members only (JSON merge patch: None sets a member to its default)."""
        return await self._http.ask(
            e.PATCH_PROJECT,
            {"project": project},
            json=changes,
            params={"allow_label_removal": allow_label_removal or None},
            headers=_if_match(revision),
            # Without a revision it does the same each time.
            is_idempotent=revision is None,
        )

    async def dry_run(
        self,
        project: str,
        changes: Mapping[str, Any],
        *,
        replace: bool = False,
        revision: int | None = None,
        allow_label_removal: bool = False,
    ) -> ProjectPreview:
        """Return what `patch` would do, or `put` with `replace`; nothing is written."""
        return await self._http.ask(
            e.PREVIEW_PUT if replace else e.PREVIEW_PATCH,
            {"project": project},
            json=changes,
            params={"dry_run": True, "allow_label_removal": allow_label_removal or None},
            headers=_if_match(revision),
        )

    async def archive(self, project: str) -> Project:
        """Make a project read-only."""
        return await self._http.ask(e.ARCHIVE_PROJECT, {"project": project})

    async def unarchive(self, project: str) -> Project:
        """End the archiving of a project."""
        return await self._http.ask(e.UNARCHIVE_PROJECT, {"project": project})

    async def delete(self, project: str, *, confirm: str) -> ProjectDeletion:
        """Delete an archived project for good; `confirm` repeats its name."""
        params = {"confirm": confirm}
        return await self._http.ask(e.DELETE_PROJECT, {"project": project}, params=params)

    def activity(
        self, project: str | None = None, *, actor: str | None = None, action: str | None = None
    ) -> AsyncPages[ActivityEntry]:
        """List who did what, newest first: in a project, or what concerns no single one."""
        params = {"actor": actor, "action": action}
        if project is None:
            return AsyncPages(self._http, e.ALL_ACTIVITY, {}, params)
        return AsyncPages(self._http, e.ACTIVITY, {"project": project}, params)


class AsyncWebhooks(AsyncGroup):
    """`client.webhooks`: a project's webhooks and their deliveries."""

    def list(self, project: str) -> AsyncPages[WebhookStatus]:
        """List the webhooks with the state of their deliveries."""
        return AsyncPages(self._http, e.WEBHOOKS, {"project": project})

    async def enable(self, project: str, webhook_id: str) -> WebhookStatus:
        """Deliver to a disabled webhook again."""
        names = {"project": project, "webhook_id": webhook_id}
        return await self._http.ask(e.ENABLE_WEBHOOK, names)

    async def test(self, project: str, webhook_id: str) -> WebhookTrial:
        """Send a test event, and return what the receiver answered."""
        names = {"project": project, "webhook_id": webhook_id}
        return await self._http.ask(e.TEST_WEBHOOK, names)

    def deliveries(
        self, project: str, *, state: str | None = None, webhook_id: str | None = None
    ) -> AsyncPages[WebhookDelivery]:
        """List what was sent, newest first: `state` is `waiting`, `delivered` or `failed`."""
        params = {"state": state, "webhook_id": webhook_id}
        return AsyncPages(self._http, e.DELIVERIES, {"project": project}, params)

    async def retry(self, project: str, delivery_id: str) -> WebhookDelivery:
        """Send an event again now, under the same id."""
        names = {"project": project, "delivery_id": delivery_id}
        return await self._http.ask(e.RETRY_DELIVERY, names)


def _if_match(revision: int | None) -> dict[str, str] | None:
    return None if revision is None else {"If-Match": f'"{revision}"'}
