"""Projects, their webhooks and activity."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from surehand import endpoints as e
from surehand._sync.pages import Group, Pages
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


class Projects(Group):
    """`client.projects`: create, change, archive and delete projects."""

    def list(self) -> Pages[Project]:
        """List the projects that the token may see."""
        return Pages(self._http, e.PROJECTS, {})

    def overview(self, *, since: datetime | None = None) -> Pages[ProjectFigures]:
        """List the projects with what waits in each; answers count from `since` (today, UTC)."""
        return Pages(self._http, e.OVERVIEW, {}, {"since": since})

    def get(self, project: str) -> Project:
        """Return a project."""
        return self._http.ask(e.GET_PROJECT, {"project": project})

    def put(
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
        return self._http.ask(
            e.PUT_PROJECT,
            {"project": project},
            json=document,
            params={"allow_label_removal": allow_label_removal or None},
            headers=_if_match(revision),
        )

    def patch(
        self,
        project: str,
        changes: Mapping[str, Any],
        *,
        revision: int | None = None,
        allow_label_removal: bool = False,
    ) -> Project:
        """Change the named members only (JSON merge patch: None sets a member to its default)."""
        return self._http.ask(
            e.PATCH_PROJECT,
            {"project": project},
            json=changes,
            params={"allow_label_removal": allow_label_removal or None},
            headers=_if_match(revision),
            # Without a revision it does the same each time.
            is_idempotent=revision is None,
        )

    def dry_run(
        self,
        project: str,
        changes: Mapping[str, Any],
        *,
        replace: bool = False,
        revision: int | None = None,
        allow_label_removal: bool = False,
    ) -> ProjectPreview:
        """Return what `patch` would do, or `put` with `replace`; nothing is written."""
        return self._http.ask(
            e.PREVIEW_PUT if replace else e.PREVIEW_PATCH,
            {"project": project},
            json=changes,
            params={"dry_run": True, "allow_label_removal": allow_label_removal or None},
            headers=_if_match(revision),
        )

    def archive(self, project: str) -> Project:
        """Make a project read-only."""
        return self._http.ask(e.ARCHIVE_PROJECT, {"project": project})

    def unarchive(self, project: str) -> Project:
        """End the archiving of a project."""
        return self._http.ask(e.UNARCHIVE_PROJECT, {"project": project})

    def delete(self, project: str, *, confirm: str) -> ProjectDeletion:
        """Delete an archived project for good; `confirm` repeats its name."""
        params = {"confirm": confirm}
        return self._http.ask(e.DELETE_PROJECT, {"project": project}, params=params)

    def activity(
        self, project: str | None = None, *, actor: str | None = None, action: str | None = None
    ) -> Pages[ActivityEntry]:
        """List who did what, newest first: in a project, or what concerns no single one."""
        params = {"actor": actor, "action": action}
        if project is None:
            return Pages(self._http, e.ALL_ACTIVITY, {}, params)
        return Pages(self._http, e.ACTIVITY, {"project": project}, params)


class Webhooks(Group):
    """`client.webhooks`: a project's webhooks and their deliveries."""

    def list(self, project: str) -> Pages[WebhookStatus]:
        """List the webhooks with the state of their deliveries."""
        return Pages(self._http, e.WEBHOOKS, {"project": project})

    def enable(self, project: str, webhook_id: str) -> WebhookStatus:
        """Deliver to a disabled webhook again."""
        names = {"project": project, "webhook_id": webhook_id}
        return self._http.ask(e.ENABLE_WEBHOOK, names)

    def test(self, project: str, webhook_id: str) -> WebhookTrial:
        """Send a test event, and return what the receiver answered."""
        names = {"project": project, "webhook_id": webhook_id}
        return self._http.ask(e.TEST_WEBHOOK, names)

    def deliveries(
        self, project: str, *, state: str | None = None, webhook_id: str | None = None
    ) -> Pages[WebhookDelivery]:
        """List what was sent, newest first: `state` is `waiting`, `delivered` or `failed`."""
        params = {"state": state, "webhook_id": webhook_id}
        return Pages(self._http, e.DELIVERIES, {"project": project}, params)

    def retry(self, project: str, delivery_id: str) -> WebhookDelivery:
        """Send an event again now, under the same id."""
        names = {"project": project, "delivery_id": delivery_id}
        return self._http.ask(e.RETRY_DELIVERY, names)


def _if_match(revision: int | None) -> dict[str, str] | None:
    return None if revision is None else {"If-Match": f'"{revision}"'}
