"""A text set of many classes: short descriptions of Debian packages, by section."""

import subprocess
from collections import Counter
from collections.abc import Iterable

_SECONDS = 120
_FEWEST = 100


class NoPackages(RuntimeError):  # noqa: N818 - says what is missing
    """There is no `apt-cache`, or it knows no packages; the message is one sentence."""


def package_texts() -> list[tuple[str, str]]:
    """Return descriptions and their sections, of which each has at least 100, in apt's order.

    Raises `NoPackages`: not on Debian, or before the first ``apt-get update``.
    """
    try:
        listed = subprocess.run(
            ["apt-cache", "dumpavail"],
            check=True,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise NoPackages("The set packages needs Debian's apt-cache.") from error
    found = sections_of(listed.split("\n\n"), fewest=_FEWEST)
    if not found:
        raise NoPackages("apt-cache knows no packages: run apt-get update first.")
    return found


def sections_of(entries: Iterable[str], *, fewest: int) -> list[tuple[str, str]]:
    """Return description and section of each entry, once, of sections with enough of them.

    Examples
    --------
    >>> entry = "Package: a\\nSection: games\\nDescription: a game\\n longer"
    >>> sections_of([entry, entry], fewest=1)
    [('a game', 'games')]
    """
    pairs: dict[tuple[str, str], None] = {}
    for entry in entries:
        fields = dict(
            line.split(": ", 1)
            for line in entry.splitlines()
            if ": " in line and not line.startswith(" ")
        )
        text = fields.get("Description") or fields.get("Description-en")
        if text and "Section" in fields:
            pairs[text, fields["Section"]] = None
    counts = Counter(section for _, section in pairs)
    return [pair for pair in pairs if counts[pair[1]] >= fewest]
