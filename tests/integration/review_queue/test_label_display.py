"""How labels are shown: names, descriptions, colours and keys that change no certificate."""

import re

import pytest

from shared.contracts.projects import Project, certificate_digest, question_digest
from tests.harness.consoles import visiting
from tests.harness.desk import PROJECT, Desk, Json, body_of, problem_of

pytestmark = pytest.mark.any_database

DISPLAY: Json = {
    "negative": {
        "name": "Not happy",
        "description": "The writer would not buy again.",
        "color": "#cc0000",
        "key": "n",
    },
    "positive": {"name": "Happy", "description": "", "color": None, "key": "p"},
}


async def test_a_patch_of_displays_changes_nothing_that_is_certified(desk: Desk) -> None:
    before = Project.model_validate(await desk.put_project())
    assert before.label_display == {}
    answer = await desk.operator.patch(desk.path(), json={"label_display": DISPLAY})
    after = Project.model_validate(body_of(answer))
    assert after.revision == before.revision + 1
    assert certificate_digest(after) == certificate_digest(before)
    assert question_digest(after) == question_digest(before)
    assert after.instructions_revision == before.instructions_revision
    shown = body_of(await desk.reviewer("anna").get(desk.path()))
    assert shown["label_display"] == DISPLAY
    assert body_of(await desk.operator.put(desk.path(), json=shown))["revision"] == after.revision
    patch = {"label_display": {"negative": {"key": None}, "positive": None}}
    patched = body_of(await desk.operator.patch(desk.path(), json=patch))
    assert patched["label_display"] == {"negative": {**DISPLAY["negative"], "key": None}}


@pytest.mark.parametrize(
    ("display", "words"),
    [
        ({"neutral": {}}, "'neutral' is not a label of the project"),
        ({"negative": {"key": "n"}, "positive": {"key": "n"}}, "'n' is that of several labels"),
        ({"negative": {"key": "s"}}, "another command"),
        ({"negative": {"key": "N"}}, ""),
        ({"negative": {"key": "ab"}}, ""),
        ({"negative": {"color": "red"}}, ""),
        ({"negative": {"color": "#12345"}}, ""),
        ({"negative": {"name": ""}}, ""),
        ({"negative": {"name": "x" * 101}}, ""),
        ({"negative": {"description": "x" * 1001}}, ""),
        ({"negative": {"colour": "#123456"}}, ""),
    ],
)
async def test_a_wrong_display_is_refused(desk: Desk, display: Json, words: str) -> None:
    wrong = PROJECT | {"label_display": display}
    answer = await desk.operator.put(desk.path(), json=wrong)
    (fault,) = problem_of(answer, 422, "unprocessable")["errors"]
    assert fault["pointer"].startswith("/label_display")
    assert words in fault["detail"]


async def test_a_patch_that_removes_a_label_removes_its_display(desk: Desk) -> None:
    await desk.put_project(labels=["negative", "positive", "neutral"], label_display=DISPLAY)
    patch = {"labels": ["positive", "neutral"]}
    patched = body_of(await desk.operator.patch(desk.path(), json=patch))
    assert patched["label_display"] == {"positive": DISPLAY["positive"]}


async def test_the_page_has_names_and_keys_on_its_buttons(desk: Desk) -> None:
    hostile = {"name": "<b>Happy</b>", "key": "p"}
    await desk.put_project(label_display={"positive": hostile})
    async with visiting(desk) as page:
        await page.sign_in(desk.keys.issue("operator", "olga"))
        shown = (await page.http.get(desk.page())).text
    (button,) = re.findall(r'<button[^>]*data-label="positive"[^>]*>', shown)
    assert 'data-key="p"' in button
    assert "<bdi>&lt;b&gt;Happy&lt;/b&gt;</bdi>" in shown
    assert "<bdi>negative</bdi>" in shown
