"""What the demo does with its posts: which are the pool, the stream and the held-out ones."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from services.demo.texts import RatedText, Texts

SEED = 20261124
TRAINING_LABELS = 1000
# The pool has posts for two draws of the first version and one of the second, which fails rarely.
CERTIFICATION_LABELS = 330
CERTIFICATION_DRAWS = 2
MORE_LABELS = 130
# After the labels have flipped: most of what posts had taught is wrong then, and is outvoted.
RELEARN_LABELS = 1300
HELD_OUT = 300
FIRST_STREAM = 330
SECOND_STREAM = 120
# Left to the person who starts `make run`.
OPEN_POSTS = 50
REVIEWERS = tuple(f"reviewer-{number}" for number in range(1, 9))

INSTRUCTIONS = """# Is this post positive or negative?

Judge the feeling that the writer shows, not whether you agree. Emoticons and slang count.
Skip a post whose feeling you cannot tell.
"""


@dataclass(frozen=True)
class Plan:
    """The texts, shuffled with a fixed seed and cut into disjoint parts.

    `changed` is the traffic after the world has changed: product reviews, each with the opposite
    of its ratings. They are new to the models, as the posts no longer are.
    """

    held_out: list[RatedText]
    first_stream: list[RatedText]
    second_stream: list[RatedText]
    pool: list[RatedText]
    changed: list[RatedText]

    @classmethod
    def of(cls, texts: Texts, seed: int = SEED) -> "Plan":
        """Cut the posts; the pool is what the other parts leave."""
        shuffled = _shuffled(texts.posts, seed)
        first = HELD_OUT + FIRST_STREAM
        second = first + SECOND_STREAM
        return cls(
            held_out=shuffled[:HELD_OUT],
            first_stream=shuffled[HELD_OUT:first],
            second_stream=shuffled[first:second],
            pool=shuffled[second:],
            changed=[rated.opposite() for rated in _shuffled(texts.reviews, seed)],
        )

    @property
    def texts(self) -> list[RatedText]:
        """All texts that people may be asked about."""
        return [
            *self.held_out,
            *self.first_stream,
            *self.second_stream,
            *self.pool,
            *self.changed,
        ]


def _shuffled(texts: list[RatedText], seed: int) -> list[RatedText]:
    shuffled = sorted(texts, key=lambda rated: rated.id)
    random.Random(seed).shuffle(shuffled)
    return shuffled


def item(rated: RatedText) -> dict[str, Any]:
    """Return the text as an item."""
    return {"item_id": rated.id, "data": {"text": rated.text}}


def batches(texts: Sequence[RatedText], size: int) -> Iterator[Sequence[RatedText]]:
    """Cut texts into batches of `size`."""
    return (texts[start : start + size] for start in range(0, len(texts), size))


def project(min_new_labels: int) -> dict[str, Any]:
    """Return the demo's project: a promise of 85 % at 95 % confidence.

    A single person's rating of these texts is not far better: 3 % are against the majority, and a
    linear model of 1,000 labels is right on 80 %. A promise of 90 % would be certified three times
    in four; this one nearly always, by the first draw.
    """
    return {
        "title": "Social posts: positive or negative?",
        "labels": ["negative", "positive"],
        "fields": {"text": {"type": "text", "max_length": 2000}},
        "instructions": INSTRUCTIONS,
        "promise": {
            "target_accuracy": 0.85,
            "confidence": 0.95,
            "certification_labels": CERTIFICATION_LABELS,
            "certification_draws": CERTIFICATION_DRAWS,
            # A day of posts is sent in a minute.
            "min_population_span_seconds": 0,
            "audit_rate": 0.05,
        },
        "training": {"recipe": "text-linear", "min_new_labels": min_new_labels},
    }
