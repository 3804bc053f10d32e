"""Which tasks are to be gold, of which kind, and what they suggest (pure, but for the chance)."""

import itertools
import random
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal

# What the model had said of a gold item: the known label, another one, or nothing.
Kind = Literal["model_right", "model_wrong", "no_prediction"]
# What a reviewer meets: a model that is right, or one that is wrong.
Side = Literal["right", "wrong"]


def flips(chance: random.Random, rate: float, count: int) -> list[bool]:
    """Decide for each of `count` places by itself whether it is gold; `rate` in [0, 1]."""
    return [chance.random() < rate for _ in range(count)]


def among(places: Sequence[bool], others: int) -> list[bool]:
    """Return the places until ordinary tasks run out, of which there are `others`.

    Gold hides among other tasks: where there are none, it would be all that comes.

    Examples
    --------
    >>> among([False, True, False, True, False], 1)
    [False, True]
    """
    kept: list[bool] = []
    for gold in places:
        if not gold and kept.count(False) == others:
            break
        kept.append(gold)
    return kept if others else []


def filled(places: Sequence[bool], number: int) -> list[bool]:
    """Return the places, of which the first `number` for gold stay so: the others have none.

    Examples
    --------
    >>> filled([True, False, True, True], 2)
    [True, False, True, False]
    """
    counted = itertools.accumulate(places, initial=0)
    return [gold and before < number for gold, before in zip(places, counted, strict=False)]


def wanted_side(right: int, wrong: int, chance: random.Random) -> Side:
    """Return the side that a reviewer has met less often, by lot if both as often."""
    if right == wrong:
        return "wrong" if chance.random() < 0.5 else "right"
    return "wrong" if wrong < right else "right"


def kinds_for(side: Side, *, seeded: bool) -> list[tuple[Kind, bool]]:
    """Return which kinds of items serve a side, best first, each with: is its suggestion seeded?

    What the model really got wrong comes before a seeded wrong suggestion, which only projects
    that show suggestions can give; the other side comes before no gold at all.
    """
    if side == "right":
        return [("model_right", False), ("model_wrong", False), ("no_prediction", False)]
    return [("model_wrong", False), ("model_right", seeded), ("no_prediction", False)]


def wrong_suggestion(
    prediction: Mapping[str, Any], known: str, labels: Sequence[str], chance: random.Random
) -> str:
    """Return the wrong label that a model is likeliest to give; by lot, where that is unknown."""
    others = [label for label in labels if label != known]
    probabilities: Mapping[str, float] = prediction.get("probabilities") or {}
    likely = [label for label in others if label in probabilities]
    if likely:
        return max(likely, key=lambda label: probabilities[label])
    return others[int(chance.random() * len(others))]


def any_place(chance: random.Random) -> str:
    """Return a point among the task ids, which are spread evenly, to look for an item from."""
    return str(uuid.UUID(int=chance.getrandbits(128)))
