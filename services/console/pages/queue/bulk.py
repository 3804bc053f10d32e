"""One label for several selected tasks: each gets a verdict of its own, by the same rules."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from services.console.web.cards import words_of
from services.console.web.project_pages import call, get
from services.console.web.visit import Visit
from surehand import SurehandError

MOST = 200
# Evidence is labelled one item at a time, at the desk, by people who know nothing of the others.
LANES = frozenset({"mandatory", "optional", "pool", "relabel"})
_AT_A_TIME = 8
_EVIDENCE = "Its lane is evidence of the promise or of reviewers: it is answered at the desk alone."


@dataclass
class Changed:
    """What became of the selected tasks: those that were changed, and why others were not."""

    what: str
    label: str = ""
    done: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


async def give_label(visit: Visit, name: str, task_ids: Sequence[str], label: str) -> Changed:
    """Record the signed-in person's verdict on each task; repeated, it changes nothing."""

    async def give(task_id: str) -> str | None:
        path = f"tasks/{quote(task_id, safe='')}"
        task = await get(visit, "review_queue", name, path)
        if task["lane"] not in LANES:
            return _EVIDENCE
        body = {"reviewer": visit.session.subject, "label": label}
        await call(
            visit, "review_queue", "POST", name, f"{path}/verdicts", json=body, is_idempotent=True
        )
        return None

    return await _each(Changed("labelled", label), task_ids, give)


async def reopen(visit: Visit, name: str, task_ids: Sequence[str]) -> Changed:
    """Ask people about each task again, as an undo of what was given to them at once."""

    async def ask_again(task_id: str) -> str | None:
        path = f"tasks/{quote(task_id, safe='')}/reopen"
        await call(visit, "review_queue", "POST", name, path)
        return None

    return await _each(Changed("reopened"), task_ids, ask_again)


async def _each(
    changed: Changed, task_ids: Sequence[str], act: Callable[[str], Awaitable[str | None]]
) -> Changed:
    """Act on each of the tasks, some at a time; a refusal spoils no other."""
    slots = asyncio.Semaphore(_AT_A_TIME)

    async def one(task_id: str) -> str | None:
        async with slots:
            try:
                return await act(task_id)
            except SurehandError as error:
                return words_of(error)

    ids = list(dict.fromkeys(task_ids))[:MOST]
    for task_id, fault in zip(ids, await asyncio.gather(*map(one, ids)), strict=True):
        if fault is None:
            changed.done.append(task_id)
        else:
            changed.refused.append((task_id, fault))
    return changed
