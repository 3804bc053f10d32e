"""Reviewers, gold and feedback."""

import builtins
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from surehand import endpoints as e
from surehand._async.pages import AsyncGroup, AsyncPages
from surehand.models.people import (
    Agreement,
    FeedbackEntry,
    GoldReceipt,
    GoldTask,
    HumanError,
    LabelCount,
    Progress,
    ReviewerReport,
    ReviewerStatistics,
    ReviewerTags,
    Standing,
    Suspect,
)


class AsyncReviewers(AsyncGroup):
    """`client.reviewers`: what reviewers did, and how far they agree."""

    def list(self, project: str) -> AsyncPages[ReviewerReport]:
        """List the reviewers; a page's ``note`` says what is missing to measure them."""
        return AsyncPages(self._http, e.REVIEWERS, {"project": project})

    async def me(self, project: str) -> ReviewerStatistics:
        """Return the statistics of the token's reviewer."""
        return await self._http.ask(e.MY_STATISTICS, {"project": project})

    async def standing(self, project: str) -> Standing:
        """Return whether the token's reviewer may begin: instructions read, and not paused."""
        return await self._http.ask(e.MY_STANDING, {"project": project})

    async def acknowledge(self, project: str, revision: int) -> Standing:
        """Say that the token's reviewer has read a revision of the instructions."""
        body = {"revision": revision}
        return await self._http.ask(e.MY_INSTRUCTIONS, {"project": project}, json=body)

    async def progress(self, project: str, *, since: datetime | None = None) -> Progress:
        """Return what waits, and what the token's reviewer did since `since` (midnight UTC)."""
        params = {"since": since}
        return await self._http.ask(e.MY_PROGRESS, {"project": project}, params=params)

    async def labels(self, project: str) -> builtins.list[LabelCount]:
        """Return how often the token's reviewer gave each label, the most frequent first."""
        return (await self._http.ask(e.MY_LABELS, {"project": project})).labels

    async def tags(self, project: str, reviewer: str) -> ReviewerTags:
        """Return the tags of a reviewer."""
        return await self._http.ask(e.TAGS, {"project": project, "reviewer": reviewer})

    async def put_tags(self, project: str, reviewer: str, tags: Sequence[str]) -> ReviewerTags:
        """Say what a reviewer can do: all tags, such as ``language=de``, in place of earlier ones.

        Tasks with a value for a key of the project's `review.match` go to reviewers who cover it.
        """
        names = {"project": project, "reviewer": reviewer}
        return await self._http.ask(e.PUT_TAGS, names, json={"tags": list(tags)})

    async def pause(self, project: str, reviewer: str, reason: str) -> ReviewerReport:
        """Give a reviewer no more tasks."""
        names = {"project": project, "reviewer": reviewer}
        return await self._http.ask(e.PAUSE, names, json={"reason": reason})

    async def resume(self, project: str, reviewer: str) -> ReviewerReport:
        """Give a paused reviewer tasks again."""
        names = {"project": project, "reviewer": reviewer}
        return await self._http.ask(e.RESUME_REVIEWER, names)

    async def agreement(self, project: str) -> Agreement:
        """Return how the reviewers agree with one another."""
        return await self._http.ask(e.AGREEMENT, {"project": project})

    async def human_error(self, project: str) -> HumanError:
        """Return the counts that certificates allow for human error by."""
        return await self._http.ask(e.HUMAN_ERROR, {"project": project})

    def suspects(self, project: str) -> AsyncPages[Suspect]:
        """List the resolved tasks whose label the model doubts most."""
        return AsyncPages(self._http, e.SUSPECTS, {"project": project})


class AsyncGold(AsyncGroup):
    """`client.gold`: items with a known label, hidden among the others."""

    async def add(
        self, project: str, items: Sequence[Mapping[str, Any]]
    ) -> builtins.list[GoldReceipt]:
        """Add 1 to 1,000 items, each with ``data`` and ``label``; return a receipt for each."""
        body = {"items": builtins.list(items)}
        return (await self._http.ask(e.ADD_GOLD, {"project": project}, json=body)).items

    def list(self, project: str) -> AsyncPages[GoldTask]:
        """List gold with the reviewers' results on it."""
        return AsyncPages(self._http, e.GOLD, {"project": project})

    async def vouch(
        self, project: str, task_id: str, label: str, *, explanation: str | None = None
    ) -> GoldTask:
        """Make a resolved task gold: its label is right."""
        names = {"project": project, "task_id": task_id}
        body = {"label": label, "explanation": explanation}
        return await self._http.ask(e.VOUCH, names, json=body)

    async def retire(self, project: str, task_id: str) -> None:
        """Let a gold task be one no longer."""
        path = e.RETIRE_GOLD.at({"project": project, "task_id": task_id})
        await self._http.call(e.RETIRE_GOLD.service, e.RETIRE_GOLD.method, path)


class AsyncFeedback(AsyncGroup):
    """`client.feedback`: what reviewers write about items, labels and instructions."""

    def list(self, project: str, *, answered: bool | None = None) -> AsyncPages[FeedbackEntry]:
        """List the feedback, answered or not."""
        return AsyncPages(self._http, e.FEEDBACK, {"project": project}, {"answered": answered})

    async def give(
        self,
        project: str,
        about: str,
        text: str,
        *,
        task_id: str | None = None,
        label: str | None = None,
    ) -> FeedbackEntry:
        """Write about an ``item`` (`task_id`), a ``label`` or the ``instructions``."""
        body = {"about": about, "text": text, "task_id": task_id, "label": label}
        return await self._http.ask(e.GIVE_FEEDBACK, {"project": project}, json=body)

    async def answer(self, project: str, feedback_id: int, text: str) -> FeedbackEntry:
        """Answer feedback; all reviewers see it."""
        names = {"project": project, "feedback_id": str(feedback_id)}
        return await self._http.ask(e.ANSWER_FEEDBACK, names, json={"text": text})
