"""The texts of the three stages, and how many labels they take."""

import random
from dataclasses import dataclass

from services.demo.plan import SEED
from services.demo.texts import RatedText, Texts


@dataclass(frozen=True)
class Sizes:
    """How many labels people give, for which promise, and how many texts are answered at the end.

    `first` labels come in batches of `batch`, and each `by_version` of them train a version.
    """

    target: float = 0.8
    first: int = 700
    batch: int = 100
    by_version: int = 300
    certification: int = 330
    planned: int = 1000
    afterwards: int = 500


QUICK = Sizes(
    target=0.65,
    first=240,
    batch=120,
    by_version=180,
    certification=150,
    planned=300,
    afterwards=100,
)


@dataclass(frozen=True)
class Data:
    """Disjoint parts of the texts, shuffled with a fixed seed."""

    sizes: Sizes
    pool: list[RatedText]
    posts: list[RatedText]
    reviews: list[RatedText]
    rest: list[RatedText]

    @classmethod
    def of(cls, texts: Texts, sizes: Sizes) -> "Data":
        """Cut the texts; product and film reviews take turns."""
        draw = random.Random(SEED)
        posts, products, films = (
            draw.sample(some, len(some)) for some in (texts.posts, texts.reviews, texts.films)
        )
        mixed = [one for pair in zip(products, films, strict=False) for one in pair]
        return cls(sizes, posts[:2600], posts[2600:3000], mixed[:4800], mixed[4800:5800])

    @property
    def all(self) -> list[RatedText]:
        """All texts that people may be asked about."""
        return [*self.pool, *self.posts, *self.reviews, *self.rest]
