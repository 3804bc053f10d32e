"""The world changes under a certificate: it is suspended, people label, a new version resumes.

No step here commands anything: the chapter sends traffic, and looks.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.demo.plan import batches, item
from services.demo.seed import Progress, has_ended
from services.demo.surehand import PROJECT, DemoFailed
from services.demo.texts import RatedText
from surehand import AsyncSurehand, Prediction

_BATCH = 50
# What the new version answers is measured on the last texts.
_AFTERWARDS = 300
_LOOK_SECONDS = 0.25
_WAIT_SECONDS = 300.0


@dataclass
class Answers:
    """Automatic answers to a part of the traffic: counts of texts."""

    sent: int = 0
    answered: int = 0
    wrong: int = 0

    def count(self, texts: Sequence[RatedText], predictions: Sequence[Prediction]) -> None:
        """Add the router's answers to `texts`."""
        alone = [
            (rated, one)
            for rated, one in zip(texts, predictions, strict=True)
            if one.decision == "answered" and one.reason == "confident"
        ]
        self.sent += len(texts)
        self.answered += len(alone)
        self.wrong += sum(one.label != rated.majority for rated, one in alone)


@dataclass
class ChangeChapter:
    """What the chapter measured.

    `under_old` counts what version `before` was sent until its promise was suspended, `to_people`
    the texts that all went to people, and `under_new` what version `after` was sent. `after` is
    None if no version was certified in time, and `obstacle` says why. `history` has the lines of
    ``GET …/promise/history`` since the labels flipped.
    """

    before: str
    under_old: Answers = field(default_factory=Answers)
    to_people: int = 0
    after: str | None = None
    under_new: Answers = field(default_factory=Answers)
    seconds_to_resume: float | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    obstacle: str = ""

    def lines(self) -> list[str]:
        """Return the chapter as lines of text."""
        old, new = self.under_old, self.under_new
        flipped = (
            "Then the labels flipped: product reviews came, and people meant the opposite of what "
            f"posts had taught. {self.before} gave {old.answered} answers, {old.wrong} of them "
            f"wrong, until its promise was suspended. The next {self.to_people} reviews went to "
            "people; the history, without a command from an operator:"
        )
        lines = [flipped]
        details = set()
        for line in self.history:
            # A version that is tested again and fails stays suspended for the same reason.
            is_new = line["detail"] is not None and line["detail"] not in details
            details.add(line["detail"])
            detail = f": {line['detail']}" if is_new else ""
            lines.append(f"  {line['at'][11:19]} {line['version']} {line['to']}{detail}")
        if self.after is None:
            return [*lines, f"No version was certified for the reviews ({self.obstacle})."]
        share = new.answered / new.sent if new.sent else 0
        wrong = new.wrong / new.answered if new.answered else 0
        resumed = (
            f"{self.seconds_to_resume:.0f} s after the suspension {self.after} answered: "
            f"{new.answered} of {new.sent} reviews ({share:.0%}), {new.wrong} of them wrong "
            f"({wrong:.1%})."
        )
        return [*lines, resumed]


async def tell_change(
    surehand: AsyncSurehand, texts: list[RatedText], progress: Progress
) -> ChangeChapter:
    """Send `texts`, whose labels mean the opposite, until a new version answers them.

    Raises `DemoFailed`: the promise was not suspended when the texts ran out.
    """
    told = len(await _history(surehand))
    change = ChangeChapter(before=str((await surehand.model(PROJECT)).champion))
    traffic = batches(texts[:-_AFTERWARDS], _BATCH)
    limit = len(texts) - _AFTERWARDS
    await _until_suspended(surehand, change, traffic, limit, progress)
    loop = asyncio.get_running_loop()
    began = loop.time()
    if await _until_resumed(surehand, change, traffic, limit, progress):
        change.seconds_to_resume = loop.time() - began
        change.after = (await surehand.model(PROJECT)).champion
        for batch in batches(texts[-_AFTERWARDS:], _BATCH):
            change.under_new.count(batch, await _send(surehand, batch))
            progress("after", change.under_new.sent, _AFTERWARDS)
    else:
        certificate = await surehand.promise.certificate(PROJECT)
        change.obstacle = f"{certificate.version}: {certificate.detail}"
    change.history = (await _history(surehand))[told:]
    return change


async def _until_suspended(
    surehand: AsyncSurehand,
    change: ChangeChapter,
    traffic: Iterator[Sequence[RatedText]],
    limit: int,
    progress: Progress,
) -> None:
    for batch in traffic:
        predictions = await _send(surehand, batch)
        change.under_old.count(batch, predictions)
        progress("change", change.under_old.sent, limit)
        if predictions[-1].reason == "promise_suspended":
            progress("change", limit, limit)
            return
        # Traffic no faster than the decision log: else the machine's speed would say how many
        # wrong answers are given before the audit can know of them.
        await is_read(surehand, batch[-1])
    raise DemoFailed(f"{change.under_old.sent} reviews of other labels suspended no promise.")


async def _until_resumed(
    surehand: AsyncSurehand,
    change: ChangeChapter,
    traffic: Iterator[Sequence[RatedText]],
    limit: int,
    progress: Progress,
) -> bool:
    """Send texts as fast as people label them, until the router answers again."""
    sent = change.under_old.sent
    for batch in traffic:
        if not await _is_time_for_more(surehand):
            break
        answers = Answers()
        answers.count(batch, await _send(surehand, batch))
        sent += len(batch)
        progress("recover", sent, limit)
        if answers.answered:
            progress("recover", limit, limit)
            change.under_new = answers
            return True
        change.to_people += len(batch)
    for _ in range(int(_WAIT_SECONDS / _LOOK_SECONDS)):
        certificate = await surehand.promise.certificate(PROJECT)
        if (await surehand.model(PROJECT)).promise.state == "certified":
            progress("recover", limit, limit)
            return True
        trains = await is_training(surehand)
        # No more texts come: a certification that waits for items waits in vain.
        if has_ended(certificate, str(certificate.version)) and not trains:
            return False
        await asyncio.sleep(_LOOK_SECONDS)
    return False


async def _is_time_for_more(surehand: AsyncSurehand) -> bool:
    """Wait until people have less than a batch left, and no version trains; say if that came.

    The texts are to last until the version that learns from them is certified on later ones.
    """
    for _ in range(int(_WAIT_SECONDS / _LOOK_SECONDS)):
        queue = await surehand.queue.get(PROJECT)
        if queue.open + queue.leased < _BATCH and not await is_training(surehand):
            return True
        await asyncio.sleep(_LOOK_SECONDS)
    return False


async def is_training(surehand: AsyncSurehand) -> bool:
    """Say whether a run is active."""
    return any([not run.is_over async for run in surehand.runs.list(PROJECT)])


async def is_read(surehand: AsyncSurehand, rated: RatedText) -> None:
    """Wait until the trainer has read the decision about `rated`.

    Raises `DemoFailed`: it has not in five minutes.
    """
    for _ in range(int(_WAIT_SECONDS / _LOOK_SECONDS)):
        if (await surehand.decisions.list(PROJECT, item_id=rated.id).page(limit=1)).items:
            return
        await asyncio.sleep(_LOOK_SECONDS)
    raise DemoFailed(f"The trainer has not read a decision in {_WAIT_SECONDS:.0f} s.")


async def _send(surehand: AsyncSurehand, texts: Sequence[RatedText]) -> list[Prediction]:
    return await surehand.predict(PROJECT, map(item, texts))


async def _history(surehand: AsyncSurehand) -> list[dict[str, Any]]:
    changes = surehand.promise.history(PROJECT)
    return [change.model_dump(mode="json", by_alias=True) async for change in changes]
