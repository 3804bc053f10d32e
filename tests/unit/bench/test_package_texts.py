"""Descriptions of packages by section, as apt lists them."""

from bench.package_texts import sections_of


def entry(section: str, text: str, field: str = "Description") -> str:
    return f"Package: any\nSection: {section}\n{field}: {text}\n and: a longer text\nTag: a: b\n"


def test_sections_with_enough_descriptions_are_kept_each_description_once() -> None:
    entries = [
        entry("games", "a chess: game"),
        entry("games", "a chess: game"),
        entry("games", "another game", "Description-en"),
        entry("news", "a reader"),
        "Package: without",
        "",
    ]
    games = [("a chess: game", "games"), ("another game", "games")]
    assert sections_of(entries, fewest=2) == games
    assert sections_of(entries, fewest=1) == [*games, ("a reader", "news")]
    assert sections_of(entries, fewest=3) == []
