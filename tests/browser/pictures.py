"""Take the pictures of docs/how-to/review-in-the-browser.md: python -m tests.browser.pictures.

They look best where the typeface Inter is installed (Debian: fonts-inter).
"""

import asyncio
import base64
import io
import secrets
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.async_api import Browser, Page
from pydantic import SecretStr

from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.contracts.base import rfc3339
from shared.settings import CommonSettings
from tests.browser.conftest import link_of, read_instructions, sign_in
from tests.harness.browser import DESKTOP, PHONE, chromium, watched
from tests.harness.clock import Clock
from tests.harness.consoles import console_at
from tests.harness.databases import create_tables
from tests.harness.desk import Desk, Json, open_desk

FOLDER = Path(__file__).parents[2] / "docs" / "how-to" / "pictures"
_COLOURS = 64
INSTRUCTIONS = """# What to look for

Say how the **writer** feels about the order, not about the weather.

1. Read the whole review; irony counts as what is meant.
2. `negative`: the writer would not buy it again.
3. `mixed`: praise and blame about *the same order*.

> A late parcel with a good product is `mixed`.

If you cannot tell, skip it and say why.
"""
PROJECT: Json = {
    "title": "Shop reviews",
    "labels": ["negative", "mixed", "positive", "not a review"],
    "fields": {
        "text": {"type": "text"},
        "photo": {"type": "image"},
        "stars": {"type": "number"},
        "order": {"type": "json"},
    },
    "metadata": ["channel"],
    "instructions": INSTRUCTIONS,
    "review": {"max_overlap": 2, "blind": False},
}
TEXTS = [
    """The kettle boils in two minutes and looks lovely on the shelf.

But the lid was dented when it came, and nobody answers my mails. I keep it, I just would not \
order here again.""",
    "Second pair of these boots. Warm, dry, worth every penny.",
    "Arrived broken, refund please.",
    "ok",
]


def photo() -> str:
    """A small picture of a kettle, base64."""
    image = Image.new("RGB", (480, 300), "#dfe7e3")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 235, 480, 300), fill="#c3a887")
    draw.ellipse((150, 90, 320, 260), fill="#2f6f8f")
    draw.rectangle((210, 72, 260, 96), fill="#244f66")
    draw.arc((120, 60, 350, 220), 200, 340, fill="#244f66", width=12)
    draw.polygon([(310, 140), (390, 100), (398, 118), (316, 190)], fill="#2f6f8f")
    content = io.BytesIO()
    image.resize((360, 225)).save(content, "PNG", optimize=True)
    return base64.b64encode(content.getvalue()).decode()


def item(number: int, text: str) -> Json:
    data = {
        "text": text,
        "photo": photo(),
        "stars": 3,
        "order": {"sku": "K-17", "quantity": 1, "returns": []},
    }
    prediction = {"label": "mixed", "confidence": 0.62}
    return {
        "item_id": f"order-{1700 + number}",
        "data": data,
        "metadata": {"channel": "web"},
        "prediction": prediction,
    }


async def main() -> None:
    """Take them all."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        keys = Keys(home / "keys")
        keys.ensure()
        common = CommonSettings(
            home=home, store_url=(home / "store").as_uri(), secret=SecretStr(secrets.token_hex(32))
        )
        settings = ReviewQueueSettings(database_url=f"sqlite+aiosqlite:///{home / 'queue.db'}")
        await create_tables("review_queue", settings.database_url)
        clock = Clock()
        clock.moment = datetime.now(UTC)
        async with open_desk(common, settings, keys, clock) as desk, chromium() as browser:
            await fill(desk)
            async with console_at(desk.base_url, common) as url:
                await visit(desk, url, browser)


async def fill(desk: Desk) -> None:
    """Bring tasks in; some are skipped, and some answered by the one who is pictured."""
    await desk.put_project(**PROJECT)
    await desk.post(*(item(number, "ok") for number in range(90, 93)))
    for reason in ("unclear", "context is missing"):
        (lease,) = await desk.lease("boris")
        await desk.use("boris", lease["token"], "skip", {"reason": reason})
    for label, seconds in (("positive", 3.1), ("negative", 4.8), ("mixed", 7.9)) * 8:
        await desk.post({**item(0, "fine"), "item_id": secrets.token_hex(4)})
        (lease,) = await desk.lease("anna")
        body = {"label": label, "active_seconds": seconds}
        await desk.use("anna", lease["token"], "verdict", body)
    await discuss(desk)
    first, *others = [item(number, text) for number, text in enumerate(TEXTS)]
    await desk.post({**first, "due_at": rfc3339(desk.clock() - timedelta(hours=2))}, *others)


async def discuss(desk: Desk) -> None:
    """Let two reviewers say something, and an operator answer one of them."""
    url = "/v1/projects/shop/feedback"
    question = {
        "about": "label",
        "label": "mixed",
        "text": "Is it mixed when the parcel was late but all else is fine?",
    }
    given = (await desk.reviewer("anna").post(url, json=question)).json()
    reply = "Yes: what matters is praise and blame in one review. The instructions say so now."
    await desk.of("operator", "olga").post(
        f"{url}/{given['feedback_id']}/answer", json={"text": reply}
    )
    remark = {"about": "instructions", "text": "Rule 3 could do with an example."}
    await desk.reviewer("boris").post(url, json=remark)


async def visit(desk: Desk, url: str, browser: Browser) -> None:
    """Go through the views."""
    async with watched(browser, url, viewport=DESKTOP) as one:
        page = await one.context.new_page()
        await page.goto(await link_of(desk, "anna"))
        await page.get_by_role("button", name="Start").click()
        await page.wait_for_url("**/review/shop")
        await take(page, "instructions")
        await read_instructions(page)
        await until_shown(page, "order-1700")
        await take(page, "desk")
        await page.emulate_media(color_scheme="dark")
        await take(page, "desk-dark")
        await page.emulate_media(color_scheme="light")
        await page.goto("/review/shop/me")
        await take(page, "statistics")
    async with watched(browser, url, viewport=DESKTOP) as one:
        page = await one.context.new_page()
        await sign_in(page, desk)
        await page.goto("/review/shop/adjudicate")
        await take(page, "adjudication")
        await page.goto("/review/shop/feedback")
        await take(page, "feedback")
    phone = {"viewport": PHONE, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    async with watched(browser, url, **phone) as one:
        page = await one.context.new_page()
        await page.goto(await link_of(desk, "anna"))
        await page.get_by_role("button", name="Start").click()
        # What the first page gave back as it closed comes first, in either order.
        await page.locator("#leased", has_text="2").wait_for()
        await take(page, "phone")


async def until_shown(page: Page, wanted: str) -> None:
    """Wait for the item that is pictured."""
    await page.get_by_text(wanted).wait_for()
    await page.locator("#leased", has_text="2").wait_for()


async def take(page: Page, name: str) -> None:
    """Take one picture, in few colours: it is kept with the code."""
    content = await page.screenshot(animations="disabled")
    image = Image.open(io.BytesIO(content)).convert("RGB")
    image = image.quantize(_COLOURS, dither=Image.Dither.NONE)
    image.save(FOLDER / f"review-{name}.png", optimize=True)


if __name__ == "__main__":
    asyncio.run(main())
