"""Reviewers, gold and feedback."""

import builtins
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from surehand import endpoints as e
from surehand._sync.pages import Group, Pages
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


class Reviewers(Group):
    """`client.reviewers`: what reviewers did, and how far they agree."""

    def list(self, project: str) -> Pages[ReviewerReport]:
        """List the reviewers; a page's ``note`` says what is missing to measure them."""
        return Pages(self._http, e.REVIEWERS, {"project": project})

    def me(self, project: str) -> ReviewerStatistics:
        """Return the statistics of the token's reviewer."""
        return self._http.ask(e.MY_STATISTICS, {"project": project})

    def standing(self, project: str) -> Standing:
        """Return whether the token's reviewer may begin: instructions read, and not paused."""
        return self._http.ask(e.MY_STANDING, {"project": project})

    def acknowledge(self, project: str, revision: int) -> Standing:
        """Say that the token's reviewer has read a revision of the instructions."""
        body = {"revision": revision}
        return self._http.ask(e.MY_INSTRUCTIONS, {"project": project}, json=body)

    def progress(self, project: str, *, since: datetime | None = None) -> Progress:
        """Return what waits, and what the token's reviewer did since `since` (midnight UTC)."""
        params = {"since": since}
        return self._http.ask(e.MY_PROGRESS, {"project": project}, params=params)

    def labels(self, project: str) -> builtins.list[LabelCount]:
        """Return how often the token's reviewer gave each label, the most frequent first."""
        return (self._http.ask(e.MY_LABELS, {"project": project})).labels

    def tags(self, project: str, reviewer: str) -> ReviewerTags:
        """Return the tags of a reviewer."""
        return self._http.ask(e.TAGS, {"project": project, "reviewer": reviewer})

    def put_tags(self, project: str, reviewer: str, tags: Sequence[str]) -> ReviewerTags:
        """Say what a reviewer can do: all tags, such as ``language=de``, in place of earlier ones.

        Tasks with a value for a key of the project's `review.match` go to reviewers who cover it.
        """
        names = {"project": project, "reviewer": reviewer}
        return self._http.ask(e.PUT_TAGS, names, json={"tags": list(tags)})

    def pause(self, project: str, reviewer: str, reason: str) -> ReviewerReport:
        """Give a reviewer no more tasks."""
        names = {"project": project, "reviewer": reviewer}
        return self._http.ask(e.PAUSE, names, json={"reason": reason})

    def resume(self, project: str, reviewer: str) -> ReviewerReport:
        """Give a paused reviewer tasks again."""
        names = {"project": project, "reviewer": reviewer}
        return self._http.ask(e.RESUME_REVIEWER, names)

    def agreement(self, project: str) -> Agreement:
        """Return how the reviewers agree with one another."""
        return self._http.ask(e.AGREEMENT, {"project": project})

    def human_error(self, project: str) -> HumanError:
        """Return the counts that certificates allow for human error by."""
        return self._http.ask(e.HUMAN_ERROR, {"project": project})

    def suspects(self, project: str) -> Pages[Suspect]:
        """List the resolved tasks whose label the model doubts most."""
        return Pages(self._http, e.SUSPECTS, {"project": project})


class Gold(Group):
    """`client.gold`: items with a known label, hidden among the others."""

    def add(self, project: str, items: Sequence[Mapping[str, Any]]) -> builtins.list[GoldReceipt]:
        """Add 1 to 1,000 items, each with ``data`` and ``label``; return a receipt for each."""
        body = {"items": builtins.list(items)}
        return (self._http.ask(e.ADD_GOLD, {"project": project}, json=body)).items

    def list(self, project: str) -> Pages[GoldTask]:
        """List gold with the reviewers' results on it."""
        return Pages(self._http, e.GOLD, {"project": project})

    def vouch(
        self, project: str, task_id: str, label: str, *, explanation: str | None = None
    ) -> GoldTask:
        """Make a resolved task gold: its label is right."""
        names = {"project": project, "task_id": task_id}
        body = {"label": label, "explanation": explanation}
        return self._http.ask(e.VOUCH, names, json=body)

    def retire(self, project: str, task_id: str) -> None:
        """Let a gold task be one no longer."""
        path = e.RETIRE_GOLD.at({"project": project, "task_id": task_id})
        self._http.call(e.RETIRE_GOLD.service, e.RETIRE_GOLD.method, path)


class Feedback(Group):
    """`client.feedback`: what reviewers write about items, labels and instructions."""

    def list(self, project: str, *, answered: bool | None = None) -> Pages[FeedbackEntry]:
        """List the feedback, answered or not."""
        return Pages(self._http, e.FEEDBACK, {"project": project}, {"answered": answered})

    def give(
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
        return self._http.ask(e.GIVE_FEEDBACK, {"project": project}, json=body)

    def answer(self, project: str, feedback_id: int, text: str) -> FeedbackEntry:
        """Answer feedback; all reviewers see it."""
        names = {"project": project, "feedback_id": str(feedback_id)}
        return self._http.ask(e.ANSWER_FEEDBACK, names, json={"text": text})
