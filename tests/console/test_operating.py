"""What operators do on the pages: invite, edit, upload, promote, begin a project."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from shared.contracts.base import task_id_for
from tests.console.conftest import SignedIn
from tests.console.installation import Installed
from tests.harness import wait_until
from tests.harness.browser import PHONE, barriers
from tests.harness.trainer_and_queue import project_spec, review, truth

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def make(installed: Installed, name: str, **changes: Any) -> None:
    spec = project_spec(**changes)
    made = await installed.both.queue.put(f"/v1/projects/{name}", json=spec)
    assert made.is_success, made.text


async def settings(installed: Installed, name: str) -> dict[str, Any]:
    answer = await installed.both.queue.get(f"/v1/projects/{name}")
    return dict(answer.json())


async def test_an_invited_reviewer_gets_a_link_that_opens_the_desk(
    signed_in: SignedIn, project: str
) -> None:
    async with signed_in() as (page, _):
        await page.goto(f"/projects/{project}/people")
        await page.get_by_label("Name, as records will show it").fill("anna")
        await page.get_by_role("button", name="Make a link").click()
        link = await page.locator("#new-link").inner_text()
        assert "/enter?code=" in link
        await page.goto(f"/projects/{project}/people")
        links = page.get_by_role("region", name="Links").first
        await expect(links).to_contain_text("anna")
        await expect(page.locator("#new-link")).to_have_count(0)
        await page.get_by_role("button", name="New link for anna").click()
        await expect(page.locator("#new-link")).to_contain_text("/enter?code=")
        await page.get_by_text("Revoke anna").click()
        await page.get_by_role("button", name="Revoke all").click()
        await expect(page.get_by_text("The links are revoked")).to_be_visible()
        await expect(links.get_by_text("revoked", exact=True)).to_have_count(2)
        await expect(links.get_by_text("unused")).to_have_count(0)


async def test_a_reviewer_is_paused_with_a_reason_and_let_go_on(
    signed_in: SignedIn, project: str
) -> None:
    async with signed_in() as (page, _):
        await page.goto(f"/projects/{project}/people")
        await page.get_by_text("Pause r1").click()
        await page.get_by_label("Reason, which the reviewer sees").fill("too quick")
        await page.get_by_role("button", name="Pause", exact=True).click()
        await expect(page.get_by_text("too quick")).to_be_visible()
        await page.get_by_role("button", name="Resume r1").click()
        await expect(page.get_by_text("too quick")).to_have_count(0)


@pytest.mark.thorough
async def test_tags_are_given_where_no_reviewer_can_take_what_waits(
    installed: Installed, signed_in: SignedIn
) -> None:
    await make(installed, "tagged", metadata=["language"])
    task = {"item_id": "de", "data": {"text": "gut"}, "metadata": {"language": "de"}}
    async with signed_in() as (page, seen):
        seen.expected = "409"
        await page.goto("/projects/tagged/settings")
        await page.get_by_label("Tags that reviewers need").fill("language")
        await page.get_by_role("button", name="Check the effect").click()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("status").first).to_be_visible()
        posted = await installed.both.queue.post(
            "/v1/projects/tagged/tasks", json={"tasks": [{**task, "lane": "mandatory"}]}
        )
        assert posted.is_success, posted.text
        for part in ("queue", "people"):
            await page.goto(f"/projects/tagged/{part}")
            warning = page.get_by_text("1 waiting task needs tags")
            await expect(warning).to_contain_text("language=de")
        await page.get_by_label("Name, as records will show it").fill("dora")
        await page.get_by_label("Can do (optional)").fill("language=fr")
        await page.get_by_role("button", name="Make a link").click()
        await page.get_by_text("Tags of dora").click()
        await page.get_by_label("What this reviewer can do").fill("language=fr, language=de")
        await page.get_by_role("button", name="Save tags").click()
        await expect(page.get_by_text("The reviewer's tags are saved.")).to_be_visible()
        cell = page.get_by_role("cell", name="language=de language=fr")
        await expect(cell).to_be_visible()
        await expect(page.get_by_text("1 waiting task needs tags")).to_have_count(0)
        await page.get_by_text("Tags of dora").click()
        await page.get_by_label("What this reviewer can do").fill("German")
        await page.get_by_role("button", name="Save tags").click()
        await expect(page.get_by_text("must be key=value").first).to_be_visible()


async def test_an_edit_shows_its_effect_and_changes_nothing_before_it_is_saved(
    installed: Installed, signed_in: SignedIn, project: str
) -> None:
    before = await settings(installed, project)
    async with signed_in() as (page, _):
        await page.goto(f"/projects/{project}/settings")
        await page.get_by_label("Target accuracy").fill("82.5")
        await page.get_by_role("button", name="Check the effect").click()
        await expect(page.get_by_text("The certificate ends")).to_be_visible()
        await expect(page.get_by_text("target_accuracy changed")).to_be_visible()
        assert await settings(installed, project) == before
        assert (await installed.both.get("promise"))["valid_now"]


async def test_an_edit_sends_only_what_was_changed(
    installed: Installed, signed_in: SignedIn
) -> None:
    await make(installed, "edited", instructions="Line one\nline two")
    before = await settings(installed, "edited")
    async with signed_in() as (page, _):
        await page.goto("/projects/edited/settings")
        await page.get_by_label("Title").fill("Toys & games")
        await page.get_by_role("button", name="Check the effect").click()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("The settings are saved.")).to_be_visible()
    after = await settings(installed, "edited")
    changed = {key for key in after if after[key] != before[key]}
    assert changed == {"title", "revision", "updated_at"}


@pytest.mark.thorough
async def test_the_second_of_two_operators_sees_a_difference_and_no_update_is_lost(
    installed: Installed, signed_in: SignedIn
) -> None:
    await make(installed, "contested")
    async with signed_in() as (page, one), signed_in() as (other, _):
        one.expected = "the server responded with a status of 409"
        for each, title in ((page, "Mine"), (other, "Theirs")):
            await each.goto("/projects/contested/settings")
            await each.get_by_label("Title").fill(title)
        await page.get_by_label("Expires after").fill("20")
        for button in ("Check the effect", "Save"):
            await other.get_by_role("button", name=button).click()
        await expect(other.get_by_text("The settings are saved.")).to_be_visible()
        await page.get_by_role("button", name="Check the effect").click()
        await expect(page.get_by_text("Another person has saved")).to_be_visible()
        await expect(page.get_by_text("both")).to_be_visible()
        assert (await settings(installed, "contested"))["title"] == "Theirs"
        await expect(page.get_by_label("Expires after")).to_have_value("20")
        for button in ("Check the effect", "Save"):
            await page.get_by_role("button", name=button).click()
        await expect(page.get_by_text("The settings are saved.")).to_be_visible()
    assert (await settings(installed, "contested"))["title"] == "Mine"


async def test_the_look_of_labels_is_previewed_saved_and_compared(
    installed: Installed, signed_in: SignedIn
) -> None:
    shown = {"negative": {"name": "Bad", "key": "b"}, "positive": {"color": "#00aa00"}}
    await make(installed, "looks", label_display=shown)
    async with signed_in() as (page, one), signed_in() as (other, _):
        one.expected = "the server responded with a status of 409"
        preview = page.get_by_label("What reviewers will see")
        bad = page.get_by_role("group", name="negative")
        # A clock that never reads the same twice: ids that pair label and field must not use it.
        await page.add_init_script("let ticks = 0; Date.now = () => ++ticks;")
        for each in (page, other):
            await each.goto("/projects/looks/settings")
        await expect(preview).to_contain_text("Bad")
        await bad.get_by_label("Name on the button").fill("Complaint")
        await bad.get_by_label("When it applies").fill("Something <b>is</b> wrong")
        await bad.get_by_label("Key").fill("")
        await page.get_by_label("Instructions").first.fill("# Read *all* of it\n<i>no</i>")
        await expect(preview.locator(".prose em")).to_have_text("all")
        await expect(preview.locator(".prose")).to_contain_text("<i>no</i>")
        await expect(preview).to_contain_text("Something <b>is</b> wrong")
        # A label that is added has a row of its own.
        await page.get_by_label("Labels one a line").fill("negative\npositive\nmixed")
        await page.get_by_role("group", name="mixed").get_by_label("Key").fill("m")
        await expect(preview.locator("button").nth(2)).to_have_text(re.compile("m *mixed"))
        theirs = other.get_by_role("group", name="positive")
        await theirs.get_by_label("Name on the button").fill("Praise")
        for button in ("Check the effect", "Save"):
            await other.get_by_role("button", name=button).click()
        await expect(other.get_by_text("The settings are saved.")).to_be_visible()
        await page.get_by_role("button", name="Check the effect").click()
        differences = page.get_by_label("Differences")
        await expect(differences).to_contain_text("positive: shown as Praise, #00aa00")
        await expect(differences).to_contain_text("mixed: key m")
        for button in ("Check the effect", "Save"):
            await page.get_by_role("button", name=button).click()
        await expect(page.get_by_text("The settings are saved.")).to_be_visible()
    after = (await settings(installed, "looks"))["label_display"]
    given = {label: {k: v for k, v in one.items() if v} for label, one in after.items()}
    assert given == {
        "negative": {"name": "Complaint", "description": "Something <b>is</b> wrong"},
        # What the other person has saved stays: this one changed nothing of it.
        "positive": {"name": "Praise", "color": "#00aa00"},
        "mixed": {"key": "m"},
    }


async def test_webhooks_are_added_tested_changed_and_removed(
    installed: Installed, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKED__EU_WEBHOOK", "whsec_" + base64.b64encode(bytes(32)).decode())
    await make(installed, "hooked-eu", label_display={})
    async with signed_in() as (page, one):
        one.expected = "the server responded with a status of 4"
        await page.goto("/projects/hooked-eu/settings/webhooks")
        secret = page.get_by_label("Name of its secret")
        await expect(secret).to_have_value("HOOKED__EU_WEBHOOK")
        await page.get_by_label("Address").fill("https://hooks.example/in")
        await page.get_by_label("Name of its secret").fill("whsec_abc")
        await page.get_by_role("button", name="Add").click()
        await expect(page.get_by_role("alert")).to_contain_text("must name the secret, not hold it")
        await expect(page.get_by_label("Address")).to_have_value("https://hooks.example/in")
        await page.get_by_label("Name of its secret").fill("HOOKED__EU_WEBHOOK")
        await page.get_by_label("promise.changed").check()
        await page.get_by_role("button", name="Add").click()
        await expect(page.get_by_text("The webhook is added")).to_be_visible()
        await expect(page.get_by_role("row").nth(1)).to_contain_text("promise.changed")
        await page.get_by_role("button", name="Send a test").click()
        await expect(page.get_by_role("alert")).to_contain_text("The test did not arrive")
        await page.get_by_text("Change https://hooks.example/in").click()
        await page.get_by_label("Address").first.fill("https://hooks.example/other")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("row").nth(1)).to_contain_text("https://hooks.example/other")
        stored = (await settings(installed, "hooked-eu"))["webhooks"]
        assert [(hook["url"], hook["events"]) for hook in stored] == [
            ("https://hooks.example/other", ["promise.changed"])
        ]
        # Another person's edit is not lost, and this one is told of it.
        body = {"title": "Theirs"}
        await installed.both.queue.patch("/v1/projects/hooked-eu", json=body)
        await page.get_by_role("button", name="Remove").click()
        await expect(page.get_by_role("alert")).to_contain_text("Another person has saved")
        await page.get_by_role("button", name="Remove").click()
        await expect(page.get_by_text("There is no webhook yet")).to_be_visible()
    after = await settings(installed, "hooked-eu")
    assert (after["webhooks"], after["title"]) == ([], "Theirs")


async def test_a_setting_that_does_not_hold_is_named_and_nothing_typed_is_lost(
    installed: Installed, signed_in: SignedIn
) -> None:
    await make(installed, "mistyped")
    async with signed_in() as (page, one):
        one.expected = "the server responded with a status of 422"
        await page.goto("/projects/mistyped/settings")
        await page.get_by_label("Expires after").fill("soon")
        await page.get_by_role("button", name="Check the effect").click()
        await expect(page.get_by_role("alert")).to_contain_text(
            "Expires after: 'soon' is not a number"
        )
        await expect(page.get_by_label("Expires after")).to_have_value("soon")


async def test_the_gate_is_set_without_a_change_of_what_the_form_leaves_out(
    installed: Installed, signed_in: SignedIn
) -> None:
    kept = {"alpha": 0.1, "slice_items": 70, "brier_margin": 0.03}
    await make(installed, "gated", training={"gate": {**kept, "margin": 0.02}})
    async with signed_in(viewport=PHONE) as (page, one):
        one.expected = "the server responded with a status of 422"
        await page.goto("/projects/gated/settings")
        await page.get_by_label("Labels in shadow").fill("90")
        await page.get_by_label("Shares of a canary").fill("25\n5")
        check = page.get_by_role("button", name="Check the effect")
        await check.click()
        labels = page.get_by_label("Labels in shadow")
        await expect(labels).to_have_accessible_description(re.compile("has no effect without"))
        await expect(labels).to_be_focused()
        await page.get_by_label("Compare it in shadow first").press("Space")
        await check.click()
        shares = page.get_by_label("Shares of a canary")
        await expect(shares).to_have_accessible_description(re.compile("must rise"))
        await expect(page.get_by_label("Compare it in shadow first")).to_be_checked()
        assert await barriers(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        await shares.fill("5\n25")
        await page.get_by_label("A version that passes takes over by itself").uncheck()
        await check.click()
        await expect(page.get_by_text("There is no certificate that could end")).to_be_visible()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("The settings are saved.")).to_be_visible()
        training = (await settings(installed, "gated"))["training"]
        gate = training["gate"]
        assert gate["shadow"] == {"labels": 90, "share": 1.0, "days": 14.0}
        assert (gate["canary"], training["auto_promote"]) == ([0.05, 0.25], False)
        assert {**kept, "margin": 0.02}.items() <= gate.items()
        await page.get_by_label("Compare it in shadow first").uncheck()
        await check.click()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("The settings are saved.")).to_be_visible()
    gate = (await settings(installed, "gated"))["training"]["gate"]
    assert (gate["shadow"], gate["canary"], gate["margin"]) == (None, [0.05, 0.25], 0.02)


async def test_a_file_is_mapped_previewed_and_uploaded_with_its_rejected_rows(
    installed: Installed, signed_in: SignedIn, tmp_path: Path
) -> None:
    await make(installed, "uploaded")
    file = tmp_path / "reviews.csv"
    rows = [
        f'{i};"a ""good"" one;\nnumber {i}";{"positive" if i < 3 else ""}' for i in range(1_200)
    ]
    bad = ["9001;short;no such label", "9002"]
    file.write_text("\n".join(["number;comment;sentiment", *rows, *bad]))
    async with signed_in() as (page, _):
        await page.goto("/projects/uploaded/data")
        await page.get_by_label("CSV with a header, or JSON Lines").set_input_files(file)
        await page.get_by_label("text (text)").select_option("comment")
        await page.get_by_label("item id").select_option("number")
        await page.locator("#column-label").select_option("sentiment")
        await expect(page.locator("#preview")).to_contain_text('a "good" one;')
        await page.get_by_role("button", name="Upload").click()
        await expect(page.locator("#said")).to_contain_text("Done.")
        await expect(page.locator("#said")).to_contain_text(
            "1,202 rows: 1,197 into the pool, 3 with a label, 2 rejected."
        )
        async with page.expect_download() as started:
            await page.get_by_role("link", name="Rejected rows as a file").click()
        kept = await (await started.value).path()
        # Each row stands on two lines of the file.
        assert kept.read_text(encoding="utf-8-sig").splitlines() == [
            "rejected,line,number,comment,sentiment",
            "/label: is not a label of this project,2402,9001,short,no such label",
            "the row has 1 cells: there is no column 2,2403,9002",
        ]
    export = await installed.both.queue.get("/v1/projects/uploaded/export?format=jsonl")
    assert export.text.count('"positive"') >= 3


async def test_an_export_is_streamed_through_the_console(signed_in: SignedIn, project: str) -> None:
    async with signed_in() as (page, _):
        await page.goto(f"/projects/{project}/data")
        async with page.expect_download() as started:
            await page.get_by_role("link", name="CSV").click()
        kept = await (await started.value).path()
        assert kept.read_text().startswith("item_id,")


async def _fill(page: Page, file: Path, name: str) -> None:
    await page.goto("/projects/new")
    await page.wait_for_load_state()
    await page.get_by_label("Name in addresses").fill(name)
    await page.locator("#file").set_input_files(file)
    # The file suggests a title, and no other name than the one that was typed.
    await expect(page.get_by_label("Title")).not_to_have_value("")
    await expect(page.get_by_label("Name in addresses")).to_have_value(name)
    await page.get_by_label("Labels one a line").fill("negative\npositive")
    await page.get_by_role("radio", name="80 %").check()
    await page.get_by_label("Labels for the first version").fill("60")


@pytest.mark.parametrize("is_certified", [False, pytest.param(True, marks=pytest.mark.thorough)])
async def test_the_first_project_goes_from_a_file_to_reviewers_and_a_certificate(
    installed: Installed, signed_in: SignedIn, tmp_path: Path, is_certified: bool
) -> None:
    name = f"my-reviews-{is_certified}".lower()
    file = tmp_path / f"{name}.csv"
    lines = [f"{i},{review(i)['text']}" for i in range(2_000 if is_certified else 100)]
    file.write_text("\n".join(["id,text", *lines]))
    async with signed_in() as (page, one):
        one.expected = "the server responded with a status of 422"
        await _fill(page, file, "toys")
        await page.get_by_role("button", name="Create the project").click()
        await expect(page.get_by_role("alert")).to_contain_text("There is a project toys already")
        await page.get_by_label("Name in addresses").fill(name)
        await page.get_by_role("button", name="Create the project").click()
        await expect(page.get_by_text("The items wait for reviewers.")).to_be_visible()
        if not is_certified:
            return
        await page.goto(f"/projects/{name}")

        async def certified() -> bool:
            await _answer(installed, name)
            return await page.locator(".light.good").count() == 1

        await wait_until(certified)
        await expect(page.locator(".sentence")).to_contain_text("Certified: at least 80 % right")


async def _answer(installed: Installed, name: str) -> None:
    reviewer = installed.both.reviewer
    leased = await reviewer.post(f"/v1/projects/{name}/leases", json={"count": 50})
    for lease in leased.json()["leases"]:
        body = {"label": truth(lease["task"]["data"])}
        await reviewer.post(f"/v1/leases/{lease['token']}/verdict", json=body)


async def test_several_tasks_get_one_label_at_once_and_it_is_taken_back(
    installed: Installed, signed_in: SignedIn
) -> None:
    await make(installed, "bulky")
    tasks = [{"item_id": f"b{n}", "data": review(n)} for n in range(4)]
    tasks += [{"item_id": "proof", "data": review(9), "lane": "audit"}]
    path = "/v1/projects/bulky/tasks"
    assert (await installed.both.queue.post(path, json={"tasks": tasks})).is_success
    async with signed_in() as (page, _):
        await page.goto("/projects/bulky/queue")
        # What is evidence cannot be selected.
        await expect(page.get_by_role("checkbox", name="Select b1")).to_be_visible()
        await expect(page.get_by_role("checkbox", name="Select proof")).to_have_count(0)
        give = page.get_by_role("button", name="Give it")
        await expect(give).to_be_disabled()
        # Nor is it labelled where a form names it all the same.
        proof = task_id_for("bulky", "proof")
        box = page.get_by_role("checkbox", name="Select b3")
        await box.evaluate("(box, id) => (box.value = id)", proof)
        await box.check()
        await page.get_by_label("One label for the selected tasks").select_option("positive")
        await give.click()
        await expect(page.get_by_text("Its lane is evidence")).to_be_visible()
        await page.goto("/projects/bulky/queue")
        await page.get_by_label("Select all tasks of this page").check()
        await expect(page.get_by_text("4 tasks are selected")).to_be_visible()
        await box.uncheck()
        await page.get_by_label("One label for the selected tasks").select_option("positive")
        await give.click()
        await expect(page.get_by_text("3 tasks got your verdict positive")).to_be_visible()
        listed = (await installed.both.queue.get(path, params={"state": "resolved"})).json()
        assert {(row["item_id"], row["label"]) for row in listed["tasks"]} == {
            (f"b{n}", "positive") for n in range(3)
        }
        await page.get_by_role("button", name="Undo: ask people again").click()
        await expect(page.get_by_text("3 tasks open again")).to_be_visible()
        listed = (await installed.both.queue.get(path, params={"state": "resolved"})).json()
        assert listed["tasks"] == []
