"""What a task needs of its reviewer, and which needs a reviewer's tags cover (pure).

The project's `review.match` names metadata keys. A task needs the tag ``key=value`` for each of
them that its metadata has; its needs are one text, so that an index finds the tasks of each.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations

from shared.contracts.review_settings import MOST_MATCHED, tag_of

NO_NEEDS = ""
# In no tag: white space within a value is single spaces.
_BETWEEN = "\n"


def needs_of(metadata: Mapping[str, str], match: Sequence[str]) -> str:
    r"""Return the needs of a task.

    Examples
    --------
    >>> needs_of({"language": "DE", "channel": "web"}, ["skill", "language"])
    'language=de'
    """
    return joined(tag_of(key, metadata[key]) for key in match if metadata.get(key, "").strip())


def joined(tags: Iterable[str]) -> str:
    """Return tags as one text of needs."""
    return _BETWEEN.join(sorted(tags))


def tags_in(needs: str) -> list[str]:
    """Return the tags that a text of needs asks for.

    Examples
    --------
    >>> tags_in("language=de\nskill=law")
    ['language=de', 'skill=law']
    """
    return needs.split(_BETWEEN) if needs else []


def covered_by(tags: Collection[str]) -> list[str]:
    r"""Return every text of needs that a reviewer with these tags covers, but for no needs.

    Examples
    --------
    >>> covered_by(["language=de", "language=fr", "skill=law"])[2:]
    ['skill=law', 'language=de\nskill=law', 'language=fr\nskill=law']
    """
    return [
        joined(some)
        for number in range(1, MOST_MATCHED + 1)
        for some in combinations(sorted(tags), number)
        if len({tag.partition("=")[0] for tag in some}) == number
    ]
