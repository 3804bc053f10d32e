"""The demo's texts: parsed from the source package, cached, refused when something is off."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from services.demo.texts import DemoDataUnavailable, RatedText, Texts, load_texts, parse_sdist

INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
TEXTS = (
    "1\t2.5\tGreat day &amp; night\r\n"
    "2\t0.1\tmeh\r\n"
    "3\t-1.5\tna\u00efve\u2028but sad\r\n"
    "4\t0.5\texactly on the edge"
)
RATINGS = (
    "1\t2.5\t0.5\t[2, 3, 3, 2]\r\n"
    "2\t0.1\t0.5\t[0, 1, -1, 0]\r\n"
    "3\t-1.5\t0.5\t[-1, -2, 0, -3]\r\n"
    "4\t0.5\t0.5\t[1, 0]"
)


def pack(files: dict[str, bytes]) -> bytes:
    """A gzipped tar of the given files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def make_sdist(texts: bytes, ratings: bytes) -> bytes:
    data = {
        "../../escape.txt": b"never written",
        "hutto_ICWSM_2014/tweets_GroundTruth.txt": texts,
        "hutto_ICWSM_2014/tweets_anonDataRatings.txt": ratings,
        "hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt": b"1_1\t-2\tbroke twice",
        # As published, this file begins with a byte-order mark.
        "hutto_ICWSM_2014/amazonReviewSnippets_anonDataRatings.txt": (
            b"\xef\xbb\xbf1_1\t-2\t0.5\t[-2, -2, -1]"
        ),
        "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt": b"1_1\t3\ta joy",
        "hutto_ICWSM_2014/movieReviewSnippets_anonDataRatings.txt": b"1_1\t3\t0.5\t[3, 3]",
    }
    return pack({"/absolute.txt": b"never written", INNER: pack(data)})


def test_posts_with_a_clear_majority_are_kept() -> None:
    texts = parse_sdist(make_sdist(TEXTS.encode(), RATINGS.encode()))
    assert texts.reviews == [RatedText("review-1_1", "broke twice", (-2, -2, -1))]
    assert texts.films == [RatedText("film-1_1", "a joy", (3, 3))]
    assert texts.posts == [
        RatedText("1", "Great day & night", (2, 3, 3, 2)),
        RatedText("3", "na\u00efve\u2028but sad", (-1, -2, 0, -3)),
        RatedText("4", "exactly on the edge", (1, 0)),
    ]
    assert [rated.majority for rated in texts.posts] == ["positive", "negative", "positive"]


def link_instead_of_archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(INNER)
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(info)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "sdist",
    [
        b"",
        b"not an archive",
        pack({"other": b""}),
        pack({INNER: b"not an archive"}),
        pack({INNER: pack({"other": b""})}),
        make_sdist(TEXTS.encode(), b""),
        make_sdist(TEXTS.encode(), RATINGS.replace("[2, 3, 3, 2]", "oops").encode()),
        make_sdist(TEXTS.encode(), RATINGS.replace("[2, 3, 3, 2]", '["2"]').encode()),
        make_sdist(TEXTS.encode(), RATINGS.replace("[2, 3, 3, 2]", "[]").encode()),
        make_sdist(TEXTS.encode(), RATINGS.replace("[2, 3, 3, 2]", "3").encode()),
        make_sdist(b"1\t2.5", RATINGS.encode()),
        make_sdist(TEXTS.encode(), RATINGS.encode())[:-300],
        link_instead_of_archive(),
    ],
    ids=[
        "empty",
        "no archive",
        "no inner archive",
        "inner is none",
        "no tables",
        "no ratings",
        "ratings no json",
        "ratings as text",
        "ratings empty",
        "rating alone",
        "row too short",
        "cut off",
        "link",
    ],
)
def test_a_package_that_is_not_as_expected_is_refused(sdist: bytes) -> None:
    with pytest.raises(DemoDataUnavailable, match="not as expected"):
        parse_sdist(sdist)


def test_a_cache_is_read_without_fetching(tmp_path: Path) -> None:
    one = {"id": "9", "text": "fine", "ratings": [1, 2]}
    cached = json.dumps({"posts": [one], "reviews": [one], "films": [one]})
    (tmp_path / "texts-vadersentiment-3.3.2-three.json").write_text(cached)
    same = [RatedText("9", "fine", (1, 2))]
    assert load_texts(tmp_path) == Texts(posts=same, reviews=same, films=same)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "{half",
        pytest.param('{"posts": [{"id": "9"}]}', marks=pytest.mark.thorough),
        pytest.param("{}", marks=pytest.mark.thorough),
    ],
)
def test_without_cache_and_index_it_says_so_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str | None
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PATH", "")
    if broken is not None:
        (tmp_path / "texts-vadersentiment-3.3.2-three.json").write_text(broken)
    with pytest.raises(DemoDataUnavailable) as raised:
        load_texts(tmp_path)
    sentence = str(raised.value)
    assert sentence.startswith("The demo's texts could not be fetched")
    assert sentence.count(".") == sentence.count("3.3.2.") * 3
