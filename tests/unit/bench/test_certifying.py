"""A model that is right as often as it says is certified, and one that is wrong is not."""

import dataclasses

import numpy as np

from bench.certifying import Certified, Judged, certified
from bench.earlier_recipes import WORDS_ALONE
from services.trainer.recipes.recipe import TrainingData

RNG = np.random.default_rng(3)


def judged(count: int, error: float) -> Judged:
    return Judged(RNG.random(count).astype(np.float32), RNG.random(count) >= error)


def test_what_is_answered_and_how_much_of_it_is_wrong() -> None:
    words = np.array(["good fine", "bad awful"])
    labels = np.arange(200) % 2
    data = TrainingData(
        [{"text": f"{words[label]} {n}"} for n, label in enumerate(labels)],
        [("no", "yes")[label] for label in labels],
        np.ones(200),
        ["text"],
        ["no", "yes"],
    )
    model = WORDS_ALONE.fit(data, seed=0, progress=lambda _share, _words: None)
    assert model.metrics["accuracy"] == 1
    tuned = judged(600, 0.02)
    fitted = dataclasses.replace(model, scores=tuned.scores, correct=tuned.right)
    found = certified(fitted, judged(2_000, 0.02), judged(2_000, 0.02), 0.9, RNG)
    assert found.share > 0.9
    assert 0 < found.wrong < 0.05
    nothing = Certified(0.0, 0.0)
    assert certified(fitted, judged(2_000, 0.3), judged(2_000, 0.3), 0.9, RNG) == nothing
    assert certified(fitted, judged(400, 0.0), judged(400, 0.0), 0.9, RNG) == nothing
