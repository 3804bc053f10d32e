"""Take the pictures of docs/how-to/use-the-console.md: python -m tests.console.pictures.

They look best where the typeface Inter is installed (Debian: fonts-inter).
"""

import asyncio
import base64
import hashlib
import io
import os
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.async_api import Browser, Page, ViewportSize
from sqlalchemy import text

from services.trainer.ledger.days.counting import DayCount
from services.trainer.tables import LedgerDay
from shared.db import Database
from tests.console.conftest import sign_in
from tests.console.installation import Installed, installation, predict
from tests.harness import client, wait_until
from tests.harness.browser import DESKTOP, PHONE, chromium, watched
from tests.harness.servers import redis_server
from tests.harness.trainer_and_queue import PROJECT, review, truth

FOLDER = Path(__file__).parents[2] / "docs" / "how-to" / "pictures"
_COLOURS = 96
_VIEWS = {
    "projects": "/",
    "promise": f"/projects/{PROJECT}",
    "queue": f"/projects/{PROJECT}/queue?state=",
    "people": f"/projects/{PROJECT}/people",
    "versions": f"/projects/{PROJECT}/versions",
    "data": f"/projects/{PROJECT}/data",
    "gold": f"/projects/{PROJECT}/data/gold",
    "snapshots": f"/projects/{PROJECT}/data/snapshots",
    "learning": f"/projects/{PROJECT}/data/learning",
    "jobs": f"/projects/{PROJECT}/data/jobs",
    "item": f"/projects/{PROJECT}/items?item_id=live-2003",
    "settings": f"/projects/{PROJECT}/settings",
    "webhooks": f"/projects/{PROJECT}/settings/webhooks",
    "activity": f"/projects/{PROJECT}/activity",
    "new-project": "/projects/new",
}
_AFTER_DRIFT = {"drift": f"/projects/{PROJECT}/drift"}
_ON_THE_PHONE = ("projects", "promise", "queue")
_LONGEST = 1_700


def disputed(data: dict[str, Any]) -> str | None:
    """What people say of a review: of one in twelve not what its words say."""
    label = truth(data)
    if hashlib.sha256(data["text"].encode()).digest()[0] < 256 // 12:
        return "positive" if label == "negative" else "negative"
    return label


async def main() -> None:
    """Take them all."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, redis_server() as redis_url:
        async with installation(Path(folder), redis_url) as installed, chromium() as browser:
            await furnish(installed)
            for name, path in _VIEWS.items():
                await take(browser, installed, f"console-{name}", path, viewport=DESKTOP)
            phone = {"viewport": PHONE, "color_scheme": "dark", "is_mobile": True}
            for name in _ON_THE_PHONE:
                await take(browser, installed, f"console-{name}-phone", _VIEWS[name], **phone)
            await let_items_change(installed)
            for name, path in _AFTER_DRIFT.items():
                await take(browser, installed, f"console-{name}", path, viewport=DESKTOP)


async def furnish(installed: Installed) -> None:
    """Give the project a year of life in a minute: a version, a certificate, traffic, audits."""
    both = installed.both
    both.answers = disputed
    await both.put_project(
        title="Shop reviews",
        promise={"audit_rate": 0.3},
        review={"max_overlap": 3},
        training={"min_new_labels": 200},
    )
    await both.import_pool(0, 2_000)
    await both.label_and_train(220)
    await both.certificate("certified", answering=True)

    async def answers() -> bool:
        said = await predict(installed, 3_000, 3_010)
        return any(one["decision"] == "answered" for one in said)

    await wait_until(answers)
    await predict(installed, 2_000, 2_300)

    async def audited() -> bool:
        await both.answer_all()
        promise = await both.get("promise")
        return bool(promise["audit"]) and promise["audit"]["reviewed"] > 40

    await wait_until(audited)
    await _name_a_webhook(installed)
    await _measure_people(installed)
    await predict(installed, 4_000, 4_060)
    await _spread(installed)
    job = await both.trainer.post(f"/v1/projects/{PROJECT}/pool/autolabel", json={"ask": False})
    assert job.is_success, job.text
    await both.queue.put("/v1/projects/support-mail", json=_other("Support mail", "routine"))
    await both.queue.put("/v1/projects/photos", json=_other("Photos of parcels", "damaged"))


async def let_items_change(installed: Installed) -> None:
    """Send longer texts, until the trainer says that the items have changed."""
    path = f"/v1/projects/{PROJECT}"
    for start in range(0, 600, 100):
        items = [
            {"item_id": f"long-{i}", "data": {"text": f"{review(i)['text']} " * 3}}
            for i in range(start, start + 100)
        ]
        said = await installed.router.post(
            f"{path}/predict", json={"items": items, "review": "never"}
        )
        assert said.is_success, said.text

    async def has_drifted() -> bool:
        return bool((await installed.both.get("drift"))["level"] in {"drift", "severe"})

    await wait_until(has_drifted)


async def _name_a_webhook(installed: Installed) -> None:
    """Let events go to a receiver that cannot be reached."""
    os.environ[_SECRET] = "whsec_" + base64.b64encode(bytes(32)).decode()
    hook = {
        "url": "https://hooks.example/in",
        "secret_ref": _SECRET,
        "events": ["outcome.resolved"],
    }
    path = f"/v1/projects/{PROJECT}"
    answer = await installed.both.queue.patch(path, json={"webhooks": [hook]})
    assert answer.is_success, answer.text


_SECRET = "TOYS_WEBHOOK"
_REVIEWERS = {"anna": 50, "ben": 17, "carla": 7}
"""Names, and one answer of how many is wrong."""


async def _measure_people(installed: Installed) -> None:
    """Let three reviewers answer the same tasks, some of them gold."""
    queue, path = installed.both.queue, f"/v1/projects/{PROJECT}"
    gold = [
        {"item_id": f"gold-{i}", "data": review(i), "label": truth(review(i))}
        for i in range(9_000, 9_060)
    ]
    answer = await queue.post(f"{path}/gold", json={"items": gold})
    assert answer.is_success, answer.text
    changes = {"review": {"overlap": 2, "max_overlap": 3, "gold_rate": 0.3}}
    assert (await queue.patch(path, json=changes)).is_success
    items = [{"item_id": f"post-{i}", "data": review(i)} for i in range(7_000, 7_090)]
    said = await installed.router.post(f"{path}/predict", json={"items": items, "review": "always"})
    assert said.is_success, said.text
    for name, one_of in _REVIEWERS.items():
        token = installed.keys.issue("reviewer", name)
        async with client(str(queue.base_url), token) as reviewer:
            for number in range(70):
                await _answer_one(reviewer, number % one_of == one_of - 1, 2.0 + number % 5)


async def _answer_one(reviewer: httpx.AsyncClient, is_wrong: bool, seconds: float) -> None:
    leased = await reviewer.post(f"/v1/projects/{PROJECT}/leases", json={"count": 1})
    for lease in leased.json()["leases"]:
        label = truth(lease["task"]["data"])
        if is_wrong:
            label = "positive" if label == "negative" else "negative"
        body = {"label": label, "active_seconds": seconds}
        await reviewer.post(f"/v1/leases/{lease['token']}/verdict", json=body)


async def _spread(installed: Installed) -> None:
    """Let what happened in a minute have happened in a day, and answer for two weeks before."""
    queue = Database(f"sqlite+aiosqlite:///{installed.common.home / 'queue.db'}")
    earlier = "strftime('%Y-%m-%d %H:%M:%f000', {0}, '-' || abs(random() % 1300) || ' minutes')"
    async with queue.transaction() as session:
        for table, column in (("tasks", "created_at"), ("verdicts", "given_at")):
            moment = earlier.format(column)
            await session.execute(text(f"UPDATE {table} SET {column} = {moment}"))
    await queue.dispose()
    resources = installed.both.resources
    async with resources.database.transaction() as session:
        for back in range(1, 14):
            day = (resources.now() - timedelta(days=back)).date().isoformat()
            for reason, number in (
                ("confident", 300 - 11 * back + 23 * (back % 3)),
                ("below_threshold", 60 + 4 * back),
            ):
                count = DayCount(number)
                row = LedgerDay(
                    project=PROJECT, day=day, version="v0", reason=reason, **vars(count)
                )
                session.add(row)


def _other(title: str, label: str) -> dict[str, Any]:
    return {"title": title, "labels": [label, "other"], "fields": {"text": {"type": "text"}}}


async def take(
    browser: Browser, installed: Installed, name: str, path: str, **options: Any
) -> None:
    """Take one picture of a page, as far as `_LONGEST` pixels down."""
    async with watched(browser, installed.url, **options) as one:
        await sign_in(one.context, installed.operator, installed.url)
        page = await one.context.new_page()
        await page.goto(path)
        await _drawn(page)
        width, height = options["viewport"]["width"], options["viewport"]["height"]
        whole = await page.evaluate("document.documentElement.scrollHeight")
        size = ViewportSize(width=width, height=min(max(height, whole), _LONGEST))
        await page.set_viewport_size(size)
        await _drawn(page)
        await page.evaluate("scrollTo(0, 0)")
        content = await page.screenshot()
    image = Image.open(io.BytesIO(content)).convert("RGB").quantize(_COLOURS)
    image.save(FOLDER / f"{name}.png", optimize=True)


async def _drawn(page: Page) -> None:
    for figure in await page.locator("figure[data-spec]").all():
        await figure.scroll_into_view_if_needed()
        await figure.locator("canvas").wait_for()


if __name__ == "__main__":
    asyncio.run(main())
