"""Simulated reviewers: each verdict is one of the ratings that real people gave the post (pure)."""

import hashlib
import json
from typing import Literal, Protocol

Label = Literal["positive", "negative"]


class Rated(Protocol):
    """A post with the ratings of its raters."""

    @property
    def id(self) -> str:
        """The source's id."""

    @property
    def ratings(self) -> tuple[int, ...]:
        """At least one, -4 to 4."""


def draw_rating(tweet: Rated, reviewer: str, attempt: int, seed: int) -> int:
    """One of the post's ratings, the same whenever and in whatever order it is asked for.

    Parameters
    ----------
    tweet
        Its raters cannot be linked across posts, so a reviewer is a fresh draw a post.
    reviewer
        The reviewer's name.
    attempt : counted from 0
        How often this reviewer has already skipped the post.
    seed
        Changes every draw.

    Returns
    -------
    -4 to 4; 0 stands for "unclear".
    """
    key = json.dumps([seed, reviewer, tweet.id, attempt]).encode()
    draw = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")
    return tweet.ratings[draw % len(tweet.ratings)]


def label_of(rating: int) -> Label | None:
    """The label that a rating stands for; None for a rating of 0, which a reviewer skips.

    Examples
    --------
    >>> [label_of(rating) for rating in (3, 0, -1)]
    ['positive', None, 'negative']
    """
    if rating == 0:
        return None
    return "positive" if rating > 0 else "negative"
