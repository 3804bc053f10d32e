"""What the documentation points to is there, and it says each thing once."""

import re
from itertools import groupby
from pathlib import Path

import pytest

from scripts.docs_api import document_of, page_of
from services.serving import SERVICES

ROOT = Path(__file__).parents[2]
PAGES = [
    page
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/*.md"))
    # Written by measuring, and headed anew for each of its tables.
    if page.name != "benchmarks.md"
]
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)")


def tables(text: str) -> list[list[str]]:
    """The first cells of each table."""
    grouped = groupby(text.splitlines(), lambda line: line.startswith("|"))
    return [[line.split("|")[1].strip() for line in rows] for is_table, rows in grouped if is_table]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere_and_a_table_says_each_thing_once(page: Path) -> None:
    text = page.read_text()
    missing = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert missing == []
    for cells in tables(text):
        named = [cell for cell in cells if cell]
        assert sorted({cell for cell in named if named.count(cell) > 1}) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_curl_shows_the_problem_that_a_service_answers_with(page: Path) -> None:
    # `-f` without the body hides what says what is wrong.
    assert re.findall(r"\bcurl .*?\s-\w*f\w*\s.*", page.read_text()) == []


def test_each_decision_has_a_number_of_its_own() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    assert [
        int(re.sub(r"# (\d+)\..*", r"\1", one.read_text().splitlines()[0])) for one in pages
    ] == numbers


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    text = (ROOT / "zensical.toml").read_text()
    listed = re.findall(r'"([\w/-]+\.md)"', text)
    assert len(listed) == len(set(listed))
    written = {page for page in listed if page.startswith("reference/api/")}
    kept = {str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")}
    assert set(listed) - written == kept - written


def test_reference_of_routes_names_each_route_and_object(tmp_path: Path) -> None:
    for service in SERVICES:
        document = document_of(service, tmp_path)
        page = page_of(service, document)
        for path, operations in document["paths"].items():
            for method in operations:
                assert f"`{method.upper()} {path}`" in page
        anchors = {name.lower() for name in re.findall(r"^### (\w+)$", page, re.MULTILINE)}
        assert set(re.findall(r"\(#(\w+)\)", page)) <= anchors
