"""What a certification is planned on: how often a version is right at each score.

It only chooses where labels are asked for and which thresholds are tested. The test is on fresh
labels, so a poor guess costs coverage or a failed attempt, never the promise. For a version that
was trained here it is the out-of-fold predictions. What a version from elsewhere was trained on we
cannot know: the labels at hand may be among it, and then make it look better than it is; they serve
all the same, for the reason above. With few of them the version's scores are believed as far as
these labels do not speak against them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from services.trainer.recipes import OWN
from services.trainer.tables import Version
from shared.graphs.rows import FloatArray

Float64Array = NDArray[np.float64]
Tune = tuple[Sequence[float], Sequence[bool]]

_ENOUGH_UNIFORM = 200
# With fewer labels a version's own scores are the better guess of where it errs.
_ENOUGH_OWN = 100
_SELF_REPORTED = 2_000


def tune_of(version: Version, population_scores: Sequence[float] | FloatArray) -> Tune:
    """Scores, and whether the version was right.

    Of uniformly drawn items where there are enough: what people were asked because a model was
    unsure of it errs more often at the same score.

    Parameters
    ----------
    population_scores : shape (u,), at least one
        The version's scores of the items that labels are to be drawn from.
    """
    if version.manifest["recipe"] == OWN and len(version.tune["scores"]) < _ENOUGH_OWN:
        return self_reported_scores(population_scores, version.tune)
    scores, correct, _ = labelled_evidence(version)
    return scores, correct


def labelled_evidence(version: Version) -> tuple[list[float], list[bool], bool]:
    """Scores of labelled items, whether the version was right, and whether they are uniform.

    Only the uniformly drawn ones where there are enough, else all.
    """
    tune = version.tune
    chosen = [i for i, is_uniform in enumerate(tune["uniform"]) if is_uniform]
    if len(chosen) < _ENOUGH_UNIFORM:
        return tune["scores"], tune["correct"], False
    return [tune["scores"][i] for i in chosen], [tune["correct"][i] for i in chosen], True


def self_reported_scores(
    scores: Sequence[float] | FloatArray, labelled: Mapping[str, Any] | None = None
) -> Tune:
    """Suppose that each answer is right with the probability that the version claims.

    Parameters
    ----------
    scores : shape (u,), in [0, 1], at least one
    labelled
        `scores` of labelled items, and whether they are `correct`: the claims are first
        recalibrated on these.

    Returns
    -------
    Each score as often as makes about 2,000 of them, right or wrong by a draw that is always the
    same.

    Examples
    --------
    >>> scores, right = self_reported_scores([0.9])
    >>> len(scores), 0.88 < sum(right) / len(right) < 0.92
    (2000, True)
    """
    known = np.asarray(scores, dtype=np.float64)
    given = np.repeat(known, max(1, _SELF_REPORTED // len(known)))
    claimed = given
    if labelled is not None and labelled["scores"]:
        claimed = recalibrated(given, labelled["scores"], labelled["correct"])
    right = np.random.default_rng(0).random(len(given)) < claimed
    return given.tolist(), right.tolist()


def recalibrated(
    claims: Float64Array, scores: Sequence[float], correct: Sequence[bool]
) -> Float64Array:
    """Correct claimed probabilities by a few labels: slope and shift of their log-odds.

    Both are the most probable ones, given the labels and normal priors (1 and 0, each with a
    standard deviation of 1), so that few labels change little.

    Parameters
    ----------
    claims : any shape, in [0, 1]
    scores, correct : shape (n,), claims of labelled items, and whether the version was right

    References
    ----------
    Platt, Advances in Large Margin Classifiers, 1999.

    Examples
    --------
    >>> modest = recalibrated(np.array([0.7]), [0.7] * 50, [True] * 50)
    >>> bool(modest[0] > 0.95)
    True
    """
    odds, right = _log_odds(np.asarray(scores)), np.asarray(correct, dtype=np.float64)

    def loss(parameters: Float64Array) -> float:
        slope, shift = parameters
        fitted = slope * odds + shift
        prior = ((slope - 1) ** 2 + shift**2) / 2
        return float(prior + (np.logaddexp(0, fitted) - right * fitted).sum())

    found = minimize(loss, np.array([1.0, 0.0]), bounds=[(0.05, None), (None, None)])
    slope, shift = found.x
    return np.asarray(expit(slope * _log_odds(claims) + shift))


def _log_odds(probabilities: Float64Array) -> Float64Array:
    return np.asarray(logit(np.clip(probabilities, 1e-6, 1 - 1e-6)))
