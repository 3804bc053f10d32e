"""What the demo does with its posts: which are the pool, the stream and the held-out ones."""

import random
from dataclasses import dataclass
from typing import Any

from services.demo.tweets import Tweet

SEED = 20261124
TRAINING_LABELS = 1000
# The pool has posts for two draws of the first version and one of the second, which fails rarely.
CERTIFICATION_LABELS = 330
CERTIFICATION_DRAWS = 2
MORE_LABELS = 130
HELD_OUT = 300
FIRST_STREAM = 330
SECOND_STREAM = 120
REVIEWERS = tuple(f"reviewer-{number}" for number in range(1, 9))

INSTRUCTIONS = """# Is this post positive or negative?

Judge the feeling that the writer shows, not whether you agree. Emoticons and slang count.
Skip a post whose feeling you cannot tell.
"""


@dataclass(frozen=True)
class Plan:
    """The posts, shuffled with a fixed seed and cut into disjoint parts."""

    held_out: list[Tweet]
    first_stream: list[Tweet]
    second_stream: list[Tweet]
    pool: list[Tweet]

    @classmethod
    def of(cls, tweets: list[Tweet], seed: int = SEED) -> "Plan":
        """Cut `tweets`; the pool is what the other parts leave."""
        shuffled = sorted(tweets, key=lambda tweet: tweet.id)
        random.Random(seed).shuffle(shuffled)
        first = HELD_OUT + FIRST_STREAM
        second = first + SECOND_STREAM
        return cls(
            shuffled[:HELD_OUT], shuffled[HELD_OUT:first], shuffled[first:second], shuffled[second:]
        )


def item(tweet: Tweet) -> dict[str, Any]:
    """Return the post as an item."""
    return {"item_id": tweet.id, "data": {"text": tweet.text}}


def project(min_new_labels: int) -> dict[str, Any]:
    """Return the demo's project: a promise of 90 % at 95 % confidence."""
    return {
        "title": "Social posts: positive or negative?",
        "labels": ["negative", "positive"],
        "fields": {"text": {"type": "text", "max_length": 2000}},
        "instructions": INSTRUCTIONS,
        "promise": {
            "target_accuracy": 0.9,
            "confidence": 0.95,
            "certification_labels": CERTIFICATION_LABELS,
            "certification_draws": CERTIFICATION_DRAWS,
            # A day of posts is sent in a minute.
            "min_population_span_seconds": 0,
            "audit_rate": 0.05,
        },
        "training": {"recipe": "text-linear", "min_new_labels": min_new_labels},
    }
