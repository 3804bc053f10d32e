"""Take the pictures of docs/how-to/use-the-console.md: python -m tests.console.pictures.

They look best where the typeface Inter is installed (Debian: fonts-inter).
"""

import asyncio
import hashlib
import io
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Browser, Page, ViewportSize

from tests.console.conftest import sign_in
from tests.console.installation import Installed, installation, predict
from tests.harness import wait_until
from tests.harness.browser import DESKTOP, PHONE, chromium, watched
from tests.harness.trainer_and_queue import PROJECT, truth

FOLDER = Path(__file__).parents[2] / "docs" / "how-to" / "pictures"
_COLOURS = 96
_VIEWS = {
    "projects": "/",
    "promise": f"/projects/{PROJECT}",
    "queue": f"/projects/{PROJECT}/queue?state=",
    "people": f"/projects/{PROJECT}/people",
    "versions": f"/projects/{PROJECT}/versions",
    "data": f"/projects/{PROJECT}/data",
    "item": f"/projects/{PROJECT}/items?item_id=live-2003",
    "settings": f"/projects/{PROJECT}/settings",
    "activity": f"/projects/{PROJECT}/activity",
    "new-project": "/projects/new",
}
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
    with tempfile.TemporaryDirectory() as folder:
        async with installation(Path(folder)) as installed, chromium() as browser:
            await furnish(installed)
            for name, path in _VIEWS.items():
                await take(browser, installed, f"console-{name}", path, viewport=DESKTOP)
            phone = {"viewport": PHONE, "color_scheme": "dark", "is_mobile": True}
            for name in _ON_THE_PHONE:
                await take(browser, installed, f"console-{name}-phone", _VIEWS[name], **phone)


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
    await predict(installed, 4_000, 4_060)
    await both.queue.put("/v1/projects/support-mail", json=_other("Support mail", "routine"))
    await both.queue.put("/v1/projects/photos", json=_other("Photos of parcels", "damaged"))


def _other(title: str, label: str) -> dict[str, Any]:
    return {"title": title, "labels": [label, "other"], "fields": {"text": {"type": "text"}}}


async def take(
    browser: Browser, installed: Installed, name: str, path: str, **options: Any
) -> None:
    """Take one picture of a page, as far as `_LONGEST` pixels down."""
    async with watched(browser, installed.url, **options) as one:
        page = await one.context.new_page()
        await sign_in(page, installed.operator)
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
