"""Uploads that are long, stopped, in other formats, or whose service goes away in the middle."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from playwright.async_api import Page, expect
from pyarrow import parquet

from tests.console.conftest import SignedIn
from tests.console.installation import Installed
from tests.harness import wait_until
from tests.harness.trainer_and_queue import PROJECT, project_spec, review

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = "the parcel came late and the box was torn but all that I had ordered was in it "


async def open_upload(page: Page, installed: Installed, name: str, file: Path) -> None:
    made = await installed.both.queue.put(f"/v1/projects/{name}", json=project_spec())
    assert made.is_success, made.text
    await page.goto(f"/projects/{name}/data")
    await page.get_by_label("CSV with a header, or JSON Lines").set_input_files(file)
    await expect(page.get_by_role("button", name="Upload", exact=True)).to_be_visible()


async def pool(installed: Installed, name: str) -> dict[str, Any]:
    answer = await installed.both.trainer.get(f"/v1/projects/{name}/pool")
    return dict(answer.json())


def write_csv(file: Path, rows: int, characters: int = 80) -> None:
    text = WORDS * (characters // len(WORDS) + 1)
    with file.open("w") as out:
        out.write("id,text\n")
        out.writelines(f"{i},row {i} {text[:characters]}\n" for i in range(rows))


async def test_json_lines_are_uploaded_and_rejected_lines_come_back_as_they_were(
    installed: Installed, signed_in: SignedIn, tmp_path: Path
) -> None:
    file = tmp_path / "items.jsonl"
    good = [{"item_id": f"i{n}", "data": {"text": f"one {n}"}, "metadata": {"channel": "web"}}
            for n in range(3)]  # fmt: skip
    known = {"item_id": "k", "data": {"text": "two"}, "label": "positive"}
    bad = {"item_id": "b", "data": {"text": 7}}
    lines = [orjson.dumps(one) for one in (*good, known, bad)] + [b"{no json", "\u00fc".encode()]
    # Browsers would round it.
    lines.append(orjson.dumps({"item_id": 1234567890123456789, "data": {"text": "one"}}))
    file.write_bytes(b"\n".join(lines))
    async with signed_in() as (page, _):
        await open_upload(page, installed, "lines", file)
        await expect(page.locator("#labels-found")).to_contain_text("1 of the first 5 rows")
        await page.get_by_role("button", name="Upload", exact=True).click()
        await expect(page.locator("#said")).to_contain_text(
            "8 rows: 3 into the pool, 1 with a label, 4 rejected. Done."
        )
        async with page.expect_download() as started:
            await page.get_by_role("link", name="Rejected rows as a file").click()
        kept = (await (await started.value).path()).read_bytes()
    rejected = [orjson.loads(line) for line in kept.splitlines()]
    assert {key: rejected[0][key] for key in bad} == bad
    assert [one["line"] for one in rejected] == [5, 6, 7, 8]
    assert [one["text"] for one in rejected[1:3]] == ["{no json", "\u00fc"]
    assert "1234567890123456789" in rejected[3]["text"]


async def test_rows_of_a_file_become_gold_which_is_listed_and_removed(
    installed: Installed, signed_in: SignedIn, tmp_path: Path
) -> None:
    file = tmp_path / "gold.csv"
    file.write_text("id,text,label\ng1,fine,positive\ng2,bad,negative\ng3,unknown,\n")
    async with signed_in() as (page, one):
        one.expected = "the server responded with a status of 409"
        await open_upload(page, installed, "golden", file)
        await page.locator("#labelled").select_option("gold")
        await page.get_by_role("button", name="Upload", exact=True).click()
        await expect(page.locator("#said")).to_contain_text("3 rows: 2 gold, 1 rejected. Done.")
        await page.get_by_role("link", name="Gold").click()
        await expect(page.get_by_role("row").filter(has_text="fine")).to_contain_text("positive")
        await page.get_by_role("button", name="Remove g1").click()
        await expect(page.get_by_text("gold no more")).to_be_visible()
        await expect(page.get_by_role("row")).to_have_count(2)
        await page.get_by_label("Item id").fill("g1")
        await page.get_by_label("Explanation").fill("says fine")
        await page.get_by_role("button", name="Make it gold").click()
        await expect(page.get_by_role("row").filter(has_text="says fine")).to_be_visible()
        # Nothing that has no label, or is not there.
        await page.get_by_label("Item id").fill("g9")
        await page.get_by_role("button", name="Make it gold").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await expect(page.get_by_label("Item id")).to_have_value("g9")


async def test_a_text_that_is_not_utf_8_is_read_as_spreadsheets_write_it(
    installed: Installed, signed_in: SignedIn, tmp_path: Path
) -> None:
    file = tmp_path / "old.csv"
    file.write_bytes("id;text\n1;Gr\u00fc\u00dfe\n".encode("cp1252"))
    async with signed_in() as (page, _):
        await open_upload(page, installed, "old-letters", file)
        await expect(page.locator("#preview")).to_contain_text("Gr\u00fc\u00dfe")
        await expect(page.get_by_text("read as windows-1252")).to_be_visible()


async def test_a_quote_that_is_never_closed_is_named_with_its_line(
    installed: Installed, signed_in: SignedIn, tmp_path: Path
) -> None:
    file = tmp_path / "open.csv"
    file.write_text('id,text\n1,fine\n2,"never closed\n3,swallowed\n')
    async with signed_in() as (page, _):
        await page.goto("/projects/toys/data")
        await page.get_by_label("CSV with a header, or JSON Lines").set_input_files(file)
        await expect(page.locator("#said")).to_contain_text("begins on line 3 does not end")


@pytest.mark.thorough
async def test_an_upload_is_cancelled_half_way_and_goes_on_where_it_stopped(
    installed: Installed, signed_in: SignedIn, tmp_path: Path
) -> None:
    file = tmp_path / "long.csv"
    write_csv(file, rows := 5_000)
    async with signed_in() as (page, _):
        await open_upload(page, installed, "stopped", file)
        pieces = 0

        async def hold(route: Any) -> None:
            nonlocal pieces
            pieces += 1
            if pieces == 4:
                # The fourth piece is under way: it is given up.
                await page.get_by_role("button", name="Cancel").click()
            else:
                await route.continue_()

        await page.route("**/data/rows", hold)
        await page.get_by_role("button", name="Upload", exact=True).click()
        await expect(page.locator("#said")).to_have_text(
            "1,500 rows: 1,500 into the pool. Cancelled: what was sent stays."
        )
        assert (await pool(installed, "stopped"))["total"] == 1_500
        await page.unroute("**/data/rows")
        await page.get_by_role("button", name="Go on after row 1,500").click()
        await expect(page.locator("#said")).to_have_text("5,000 rows: 5,000 into the pool. Done.")
    assert (await pool(installed, "stopped"))["total"] == rows
    assert pieces == 4


@pytest.mark.thorough
async def test_an_upload_outlasts_a_trainer_that_goes_away_and_a_session_that_ends(
    installed: Installed, signed_in: SignedIn, tmp_path: Path
) -> None:
    file = tmp_path / "long.csv"
    write_csv(file, 3_000)
    async with signed_in() as (page, one):
        await open_upload(page, installed, "outage", file)
        pieces, cookies = 0, await one.context.cookies()

        async def meddle(route: Any) -> None:
            nonlocal pieces
            pieces += 1
            if pieces == 2:
                await route.abort("connectionrefused")
            elif pieces == 3:
                await route.fulfill(status=503, body="<main><p>The trainer is away.</p></main>")
            elif pieces == 5:
                # The piece is taken, and its answer lost.
                await route.fetch()
                await one.context.clear_cookies()
                await route.fulfill(status=401, body="")
            else:
                await route.continue_()

        one.expected = "Failed to load resource"
        await page.route("**/data/rows", meddle)
        await page.get_by_role("button", name="Upload", exact=True).click()
        await expect(page.locator("#said")).to_contain_text("The trainer is away. It is tried")
        await expect(page.locator("#said")).to_contain_text("Your session has ended")
        await one.context.add_cookies(cookies)  # type: ignore[arg-type]
        await page.get_by_role("button", name="Go on after row 1,000").click()
        await expect(page.locator("#said")).to_contain_text(
            "3,000 rows: 2,500 into the pool, 500 there already. Done."
        )

    async def complete() -> bool:
        return bool((await pool(installed, "outage"))["total"] == 3_000)

    await wait_until(complete)


@pytest.mark.thorough
async def test_a_file_of_40_mb_is_uploaded_without_being_held_in_the_browser(
    installed: Installed, signed_in: SignedIn, tmp_path: Path
) -> None:
    file = tmp_path / "big.csv"
    write_csv(file, rows := 4_321, characters=10_000)
    assert file.stat().st_size > 40_000_000
    async with signed_in() as (page, _):
        await open_upload(page, installed, "big", file)
        session = await page.context.new_cdp_session(page)
        heaps: list[int] = []
        sent = 0

        async def measure(route: Any) -> None:
            nonlocal sent
            sent += len(route.request.post_data_buffer)
            if sent > file.stat().st_size / 4 * (len(heaps) + 1):
                # What is still held, at each quarter of the file.
                await session.send("HeapProfiler.collectGarbage")
                heaps.append((await session.send("Runtime.getHeapUsage"))["usedSize"])
            await route.continue_()

        await page.route("**/data/rows", measure)
        await page.get_by_role("button", name="Upload", exact=True).click()
        await expect(page.locator("#said")).to_contain_text(
            "4,321 rows: 4,321 into the pool. Done.", timeout=500_000
        )
    assert len(heaps) >= 3
    assert max(heaps) < file.stat().st_size / 2, heaps
    assert (await pool(installed, "big"))["total"] == rows


async def test_a_file_is_scored_by_a_job_whose_result_is_downloaded(
    installed: Installed, signed_in: SignedIn, tmp_path: Path
) -> None:
    file = tmp_path / "orders.csv"
    texts = [review(number)["text"] for number in range(5_000, 5_010)]
    file.write_text("own,text\n" + "".join(f'{n},"{text}"\n' for n, text in enumerate(texts)))
    async with signed_in() as (page, _):
        await page.goto(f"/projects/{PROJECT}/data/jobs")
        await page.locator("#file").set_input_files(file)
        await page.get_by_role("button", name="Score", exact=True).click()
        await expect(page.locator("#said")).to_contain_text("its job stands below")
        row = page.get_by_role("row").filter(has_text="File, by")
        await expect(row).to_contain_text("succeeded")
        async with page.expect_download() as started:
            await row.get_by_role("link", name="CSV").click()
        kept = (await (await started.value).path()).read_text().splitlines()
        assert len(kept) == 11
        assert kept[0].startswith("line,item_id,decision,label")
        async with page.expect_download() as started:
            await page.get_by_role("link", name="All labels as CSV").click()
        assert (await (await started.value).path()).read_text().startswith("item_id,label,source")
        async with page.expect_download() as started:
            await page.get_by_role("link", name="As Parquet").click()
        columns = parquet.read_table(await (await started.value).path()).column_names
        assert {"item_id", "label", "source", "certificate_id", "text"} <= set(columns)


async def test_without_a_version_a_job_is_refused_in_words(
    installed: Installed, signed_in: SignedIn, tmp_path: Path
) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("text\nfine\n")
    made = await installed.both.queue.put("/v1/projects/jobless", json=project_spec())
    assert made.is_success, made.text
    async with signed_in() as (page, one):
        one.expected = "the server responded with a status of 409"
        await page.goto("/projects/jobless/data/jobs")
        await page.locator("#file").set_input_files(file)
        await page.get_by_role("button", name="Score", exact=True).click()
        await expect(page.locator("#said")).to_contain_text("No version serves yet")
        await expect(page.get_by_role("button", name="Label", exact=True)).to_be_disabled()
