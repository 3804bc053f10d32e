"""Made-up texts of about 90 characters: the same ones for the same seed, on every machine."""

import itertools
import random
from collections.abc import Iterator

_ONSETS = ["b", "br", "d", "f", "g", "k", "kl", "l", "m", "n", "p", "pr", "r", "s", "st", "t", "v"]
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ou"]
_WORDS = 6_000
_SERIAL_DIGITS = 9
# Words of natural language are about this unequal in frequency (Zipf's exponent).
_EXPONENT = 0.9


def vocabulary() -> list[str]:
    """Return distinct made-up words, short ones first, as frequent words are short."""
    syllables = [onset + vowel for onset in _ONSETS for vowel in _VOWELS]
    pairs = itertools.product(syllables, syllables)
    words = [*(s for s in syllables if len(s) > 1), *map("".join, pairs)][:_WORDS]
    assert len(set(words)) == len(words)
    return words


def make_texts(count: int, *, seed: int, characters: int = 80) -> list[str]:
    """Return `count` texts of about `characters`; `numbered` adds the rest of the 90."""
    rng = random.Random(seed)
    words = vocabulary()
    weights = list(itertools.accumulate((rank + 3) ** -_EXPONENT for rank in range(len(words))))
    texts = []
    for _ in range(count):
        length = characters + rng.randint(-20, 20)
        text = " ".join(rng.choices(words, cum_weights=weights, k=length // 4))
        texts.append(text[:length].rstrip())
    return texts


def numbered(texts: list[str], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield (item id, text) for ever: no id and no text comes twice, also between prefixes."""
    for number in itertools.count():
        serial = f"{number:0{_SERIAL_DIGITS}d}"
        yield f"{prefix}-{serial}", f"{texts[number % len(texts)]} {serial}"
