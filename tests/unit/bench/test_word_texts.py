"""Definitions by meaning, and emoji by subgroup, as their packages list them."""

from typing import Any

from bench.word_texts import NOUNS, VERBS, definitions_of, emoji_of, subjects_of, words_of


def test_definitions_have_the_meaning_of_their_file_each_once() -> None:
    lines = [
        "  1 This software and database is being provided to you",
        "00001740 03 n 01 entity 0 000 | what exists",
        '02084071 05 n 01 dog 0 000 | a domestic animal; occurs in many breeds; "the dog barked"',
        "02084072 05 n 01 hound 0 000 | a domestic animal; occurs in many breeds",
        "10787470 18 n 01 woman 0 000 | an adult female person  ",
    ]
    assert definitions_of(lines, NOUNS) == [
        ("a domestic animal; occurs in many breeds", "animal"),
        ("an adult female person", "person"),
    ]
    assert (len(NOUNS), len(VERBS), VERBS[43]) == (25, 15, "weather")
    assert (NOUNS[4], NOUNS[28], VERBS[29]) == ("act", "time", "body")


def test_definitions_have_their_subject_which_they_do_not_name() -> None:
    nouns = [
        "  1 This software and database is being provided to you",
        "00000010 09 n 02 law 0 jurisprudence 0 000 | rules that a community enforces",
        "00000020 04 n 01 golf 0 001 @ 00000010 n 0000 | a game",
        "00000030 04 n 02 writ 0 plea 0 002 @ 00000020 n 0000 ;c 00000010 n 0000 | (law) a command",
        "00000040 04 n 01 tee 0 002 ;c 00000010 n 0000 ;c 00000020 n 0000 | of two subjects",
        "00000050 04 n 01 style 0 001 ;c 00000010 a 0000 | no subject but an adjective",
    ]
    verb = (
        "00000060 35 v 01 putt 1 002 ;c 00000020 n 0000 @ 00000020 v 0000 01 + 08 00 | (golf) hit"
    )
    assert words_of(nouns)["00000010"] == "law"
    assert subjects_of([*nouns, verb], words_of(nouns)) == [("a command", "law"), ("hit", "golf")]


def test_emoji_without_tags_or_subgroup_are_left_out() -> None:
    owl: dict[str, Any] = {"label": "owl", "tags": ["bird", "wise"], "subgroup": 7}
    entries = [owl, owl, {"label": "A", "tags": ["a"]}, {"label": "B", "subgroup": 7}]
    assert emoji_of(entries, {"7": "bird"}) == [("owl: bird, wise", "bird")]
