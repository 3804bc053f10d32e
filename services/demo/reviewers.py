"""Simulated reviewers: each verdict is one of the ratings that real people gave the post (pure)."""

import hashlib
import json
from typing import Literal

from services.demo.tweets import Tweet

Label = Literal["positive", "negative"]


def draw_rating(tweet: Tweet, skips: int, seed: int) -> int:
    """One of the post's ratings, the same for every reviewer and in any order of arrival.

    Parameters
    ----------
    tweet
        Its raters cannot be linked across posts, so each post is a fresh draw.
    skips
        How often the post was skipped before: the next reviewer draws anew.
    seed
        Changes every draw.

    Returns
    -------
    -4 to 4; 0 stands for "unclear".
    """
    key = json.dumps([seed, tweet.id, skips]).encode()
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
