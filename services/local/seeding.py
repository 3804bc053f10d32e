"""Seed project `demo` at the first start, with a progress bar."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from services.demo.plan import MORE_LABELS, REVIEWERS, SEED, Plan
from services.demo.seed import Progress as Report
from services.demo.seed import bring_up, leave_open
from services.demo.surehand import DemoFailed, connected
from services.demo.texts import DemoDataUnavailable, RatedText, load_texts
from services.demo.workforce import Workforce
from services.local.home import Home
from services.local.installation import Installation
from surehand import SurehandError

STAGES = {
    "import": "Importing unlabelled posts",
    "review": "People label posts",
    "train": "Training",
    "certify": "People label blind, for the certificate",
    "stream": "New posts arrive",
    "change": "The labels flip: the promise is suspended",
    "recover": "People label; a new version is certified",
    "after": "The new version answers",
}


async def seed_demo(installation: Installation) -> str | None:
    """Seed the demo unless that was done; return a sentence for the person, if there is one."""
    home = Home(installation.common.home)
    mark = home.folder / "demo-seeded"
    if mark.exists():
        return None
    try:
        plan = Plan.of(load_texts(cache_folder()))
    except DemoDataUnavailable as error:
        return f"Project `demo` was left out. {error}"
    workforce = workforce_of(installation, home, plan.texts)
    tokens = installation.tokens
    try:
        with progress_bars(STAGES) as report:
            async with connected(installation.addresses, tokens["operator"]) as surehand:
                certificate = await bring_up(surehand, workforce, plan, MORE_LABELS, report)
                await leave_open(surehand, plan)
    except (DemoFailed, SurehandError) as error:
        return f"Project `demo` is not complete. {error}"
    mark.touch()
    if certificate.state == "certified":
        return None
    return f"Project `demo` answers nothing alone yet: {certificate.detail}."


def workforce_of(installation: Installation, home: Home, texts: Iterable[RatedText]) -> Workforce:
    """Return reviewers who know the ratings of the texts, each with a token of their own."""
    tokens = {name: home.keys.issue("reviewer", name, projects=["demo"]) for name in REVIEWERS}
    by_id = {rated.id: rated for rated in texts}
    return Workforce(installation.addresses["review_queue"], tokens, by_id, SEED)


def cache_folder() -> Path:
    """Return the user's cache folder: shared by every home, so that data is fetched once."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "surehand"


@contextlib.contextmanager
def progress_bars(stages: Mapping[str, str]) -> Iterator[Report]:
    """Show stages as bars; where there is no terminal, as one line when a stage is done.

    `stages` has the words for each.
    """
    console = Console(file=sys.stdout)
    columns = (TextColumn("{task.description:<42}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bars: dict[str, TaskID] = {}
        finished: set[str] = set()

        def report(stage: str, done: float, total: float) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(stages[stage], total=total)
            progress.update(bars[stage], completed=done, total=total)
            if done >= total and stage not in finished:
                finished.add(stage)
                if not console.is_terminal:
                    console.print(stages[stage] + ": done", highlight=False)

        yield report
