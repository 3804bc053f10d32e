"""The project's own encoder: uploaded, refused in words, replaced, removed, learned on."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from onnx import helper
from playwright.async_api import Browser, Page, expect

from services.console.web.session import COOKIE
from services.trainer.app import create_app
from shared.store import sha256
from tests.console.conftest import SignedIn
from tests.console.installation import Installed, console_of
from tests.graphs import FLOAT, STRING, bytes_of, model_of, node
from tests.harness import serve
from tests.harness.browser import PHONE, barriers, watched
from tests.harness.trainer_and_queue import project_spec

pytestmark = pytest.mark.asyncio(loop_scope="session")


def encoder(length: float = 1.0, output: str = "vector") -> bytes:
    """From a text to one number."""
    lookup = node(
        "LabelEncoder",
        ["text"],
        [output],
        domain="ai.onnx.ml",
        keys_strings=["fine"],
        values_floats=[length],
        default_float=0.0,
    )
    shape = helper.make_tensor_value_info(output, FLOAT, [None, 1])
    return bytes_of(model_of([lookup], {"text": (STRING, [None, 1])}, output=shape))


async def make(installed: Installed, name: str, **changes: Any) -> None:
    spec = project_spec(**changes)
    made = await installed.both.queue.put(f"/v1/projects/{name}", json=spec)
    assert made.is_success, made.text


async def held(installed: Installed, name: str) -> Any:
    answer = await installed.both.trainer.get(f"/v1/projects/{name}/encoder")
    return answer.json() if answer.is_success else None


async def send(page: Page, file: Path) -> None:
    await page.get_by_label("ONNX file").set_input_files(file)
    await page.get_by_role("button", name="Upload", exact=True).click()


def written(folder: Path, name: str, body: bytes) -> Path:
    file = folder / name
    file.write_bytes(body)
    return file


async def test_an_encoder_is_uploaded_shown_learned_on_and_removed(
    installed: Installed, signed_in: SignedIn, tmp_path: Path
) -> None:
    await make(installed, "encoded")
    async with signed_in() as (page, _):
        await page.goto("/projects/encoded/versions")
        await page.get_by_role("link", name="Encoder").click()
        await expect(page.get_by_text("The project has none.")).to_be_visible()
        await send(page, written(tmp_path, "sentences.onnx", encoder()))
        await expect(page.get_by_text("The encoder is kept")).to_be_visible()
        at_hand = page.get_by_role("region", name="Current encoder")
        for words in ("sentences.onnx", "1 number", "text from text", "olga", sha256(encoder())):
            await expect(at_hand).to_contain_text(words)
        link = page.get_by_role("link", name="Settings").last
        assert (await link.get_attribute("href") or "").endswith("#s-training.recipe")
        await page.get_by_role("button", name="Train by recipe head now").click()
        await expect(page.get_by_text("A training run is asked for.")).to_be_visible()
        runs = (await installed.both.trainer.get("/v1/projects/encoded/runs")).json()["runs"]
        assert [run["recipe"] for run in runs] == ["head"]
        await page.goto("/projects/encoded/versions/encoder")
        await page.get_by_text("Remove it").click()
        await page.get_by_role("button", name="Remove the encoder").click()
        await expect(page.get_by_text("The encoder is removed")).to_be_visible()
    assert await held(installed, "encoded") is None


@pytest.mark.thorough
async def test_each_refusal_stands_in_words_at_its_field(
    installed: Installed, signed_in: SignedIn, tmp_path: Path
) -> None:
    await make(installed, "refusing")
    wrong = written(tmp_path, "picture.png", b"no graph")
    unnamed = written(tmp_path, "unnamed.onnx", encoder(output="pooled"))
    async with signed_in(viewport=PHONE) as (page, one):
        one.expected = "the server responded with a status of 4"
        await page.goto("/projects/refusing/versions/encoder")
        file, manifest = page.get_by_label("ONNX file"), page.get_by_label("What it takes in")
        await send(page, wrong)
        await expect(page.locator("#file-fault")).to_contain_text("not an ONNX file")
        await expect(file).to_be_focused()
        assert await barriers(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        await send(page, unnamed)
        await expect(page.locator("#manifest-fault")).to_contain_text("outputs/vector: ")
        await expect(page.locator("#file-fault")).to_be_empty()
        await expect(manifest).to_be_focused()
        told = await manifest.input_value()
        await manifest.fill(told.replace('"string"', '"wood"'))
        await send(page, unnamed)
        await expect(page.locator("#manifest-fault")).to_contain_text("inputs/0")
        await manifest.fill(told[:-1])
        await send(page, unnamed)
        await expect(page.locator("#manifest-fault")).to_contain_text("This is not valid JSON")
        # By the keyboard alone, and with what was typed kept.
        await manifest.fill(told.replace('{"vector": "vector"}', '{"vector": "pooled"}'))
        await page.get_by_role("button", name="Upload", exact=True).press("Enter")
        await expect(page.get_by_text("The encoder is kept")).to_be_visible()
    assert (await held(installed, "refusing"))["file_name"] == "unnamed.onnx"


@pytest.mark.thorough
async def test_an_encoder_that_another_operator_uploaded_is_not_replaced_unseen(
    installed: Installed, signed_in: SignedIn, tmp_path: Path
) -> None:
    await make(installed, "twice")
    mine, theirs = (
        written(tmp_path, f"{name}.onnx", encoder(length))
        for name, length in (("mine", 1.0), ("theirs", 2.0))
    )
    async with signed_in() as (page, one), signed_in() as (other, two):
        one.expected = two.expected = "the server responded with a status of 409"
        for each in (page, other):
            await each.goto("/projects/twice/versions/encoder")
        await send(other, theirs)
        await expect(other.get_by_text("The encoder is kept")).to_be_visible()
        await send(page, mine)
        await expect(page.locator("#said")).to_contain_text("olga uploaded another encoder")
        assert (await held(installed, "twice"))["file_name"] == "theirs.onnx"
        await page.reload()
        await expect(page.get_by_text("theirs.onnx")).to_be_visible()
        await send(page, mine)
        await expect(page.get_by_text("mine.onnx")).to_be_visible()
        await other.get_by_text("Remove it").click()
        await other.get_by_role("button", name="Remove the encoder").click()
        await expect(other.get_by_role("alert")).to_contain_text("uploaded another encoder")


@pytest.mark.thorough
async def test_a_file_that_is_too_large_and_a_trainer_that_goes_away_are_told(
    installed: Installed, browser: Browser, tmp_path: Path
) -> None:
    await make(installed, "limited")
    limit = {"model_limit_bytes": 1_000_000}
    settings = installed.both.resources.settings.model_copy(update=limit)
    async with contextlib.AsyncExitStack() as stack:
        trainer = await stack.enter_async_context(contextlib.AsyncExitStack())
        base = await trainer.enter_async_context(serve(create_app(installed.common, settings)))
        url = await stack.enter_async_context(console_of(installed.common, base))
        one = await stack.enter_async_context(watched(browser, url))
        one.expected = "the server responded with a status of"
        await one.context.add_cookies([{"name": COOKIE, "value": installed.operator, "url": url}])
        page = await one.context.new_page()
        await page.goto("/projects/limited/versions/encoder")
        said = page.locator("#said")
        # The whole body is beyond the limit, and the file alone.
        await send(page, written(tmp_path, "huge.onnx", bytes(30_000_000)))
        await expect(said).to_contain_text("at most")
        await send(page, written(tmp_path, "large.onnx", bytes(1_000_001)))
        await expect(said).to_contain_text("1000000 bytes")
        await trainer.aclose()
        await send(page, written(tmp_path, "late.onnx", encoder()))
        await expect(said).to_contain_text("The trainer is away")
        await expect(page.get_by_role("button", name="Upload", exact=True)).to_be_enabled()
    assert await held(installed, "limited") is None
