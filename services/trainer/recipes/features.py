"""Terms of each text field, and the trained pipeline that the exported graph must equal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.recipe import FloatArray, IntArray
from services.trainer.recipes.tokens import SPLITS, Kind

# An older router makes one dense row of term weights an item, so the terms bound its latency.
MAX_TERMS = 20_000
# Parts of words that one text alone has are many, and say nothing of others.
_FEWEST_TEXTS: dict[Kind, int] = {"words": 1, "characters": 2}
# More would take minutes to split: so many texts teach enough by their words.
MOST_CHARACTERS = 20_000_000
MAX_ITERATIONS = 1_000
# The logit of a label without an example: its probability is 0 in every allowed calibration.
ABSENT_LOGIT = -1e4
# A field without a single word still needs one column; no text contains this term.
_NO_TERM = " "


@dataclass(frozen=True)
class Terms:
    """The known terms of one kind in one field: V names in the order of their columns."""

    field: str
    kind: Kind
    names: list[str]

    def counts(self, rows: Sequence[Mapping[str, str]]) -> csr_matrix:
        """How often each row has each term, (n, V)."""
        counter = CountVectorizer(
            analyzer=SPLITS[self.kind], vocabulary=self.names, dtype=np.float64
        )
        return csr_matrix(counter.transform([row[self.field] for row in rows]))


def fit_terms(
    rows: Sequence[Mapping[str, str]],
    fields: Sequence[str],
    *,
    kinds: Sequence[Kind] = ("words", "characters"),
    most: int = MAX_TERMS,
) -> tuple[list[Terms], list[csr_matrix]]:
    """Choose at most so many terms of each kind and field, and count them in the rows, (n, V) each.

    There are no parts of words of a field in which none repeats, and of no field if all texts
    together have more than `MOST_CHARACTERS`.
    """
    size = sum(len(row[field]) for row in rows for field in fields)
    wanted = [kind for kind in kinds if kind == "words" or size <= MOST_CHARACTERS]
    found = [_choose(rows, field, kind, most) for field in fields for kind in wanted]
    kept = [(one, counts) for one, counts in found if one.kind == "words" or counts.nnz]
    return [one for one, _ in kept], [counts for _, counts in kept]


def _choose(
    rows: Sequence[Mapping[str, str]], field: str, kind: Kind, most: int
) -> tuple[Terms, csr_matrix]:
    """Keep the `most` terms that are in most texts, ties in the order of the alphabet."""
    texts = [row[field] for row in rows]
    every = CountVectorizer(analyzer=SPLITS[kind], dtype=np.float64)
    try:
        counts = every.fit_transform(texts)
    except ValueError:  # there is no term in any text
        counts = csr_matrix((len(texts), 0))
    texts_with = counts.getnnz(axis=0)
    common = np.flatnonzero(texts_with >= _FEWEST_TEXTS[kind])
    if not len(common):
        return Terms(field, kind, [_NO_TERM]), csr_matrix((len(texts), 1))
    kept = np.sort(common[np.argsort(-texts_with[common], kind="stable")][:most])
    names = every.get_feature_names_out()[kept].tolist()
    return Terms(field, kind, names), csr_matrix(counts[:, kept])


@dataclass(frozen=True)
class HeadSettings:
    """How a head is fitted.

    Attributes
    ----------
    inverse_regularisation : above 0
        C of the logistic regression.
    class_weights
        `balanced`: labels with few examples weigh as much as those with many.
    """

    inverse_regularisation: float = 30.0
    class_weights: Literal["balanced"] | None = None


USUAL = HeadSettings()


@dataclass(frozen=True)
class LinearHead:
    """Inverse document frequencies of the terms, then one logistic regression over all of them.

    Attributes
    ----------
    idf : shape (V,) for each matrix of counts
        0 for a term that its rows do not hold, as if it were not known.
    present
        The labels with an example.
    """

    idf: list[FloatArray]
    classifier: LogisticRegression
    present: IntArray
    n_classes: int

    def features(
        self, counts: Sequence[csr_matrix], vectors: csr_matrix | None = None
    ) -> csr_matrix:
        """Counts times idf, over the root of the sum of counts times idf², side by side.

        Like TF-IDF rows of length 1, but that a term's second occurrence adds as much as its
        first: then both sums go over the occurrences of a text, which the graph need not sort.
        A row without terms stays 0. After them come `vectors` (n, d) as they are, if any.
        """
        beside = [] if vectors is None else [vectors]
        scaled = [_scaled(one, idf) for one, idf in zip(counts, self.idf, strict=True)]
        return csr_matrix(hstack([*scaled, *beside]))

    def logits(self, counts: Sequence[csr_matrix], vectors: csr_matrix | None = None) -> FloatArray:
        """Logits before calibration, shape (n, K), in the project's label order."""
        weights, bias = self.affine()
        return np.asarray(self.features(counts, vectors) @ weights + bias, dtype=np.float64)

    def affine(self) -> tuple[FloatArray, FloatArray]:
        """Weights (V, K) and bias (K,) of `logits` over the concatenated features."""
        coefficients, intercept = coefficients_of(self.classifier)
        weights = np.zeros((coefficients.shape[1], self.n_classes))
        weights[:, self.present] = coefficients.T
        bias = np.full(self.n_classes, ABSENT_LOGIT)
        bias[self.present] = intercept
        return weights, bias


def _scaled(counts: csr_matrix, idf: FloatArray) -> csr_matrix:
    squares = counts @ idf**2
    lengths = np.sqrt(np.where(squares > 0, squares, 1.0))
    return csr_matrix(diags(1 / lengths) @ counts @ diags(idf))


def coefficients_of(classifier: LogisticRegression) -> tuple[FloatArray, FloatArray]:
    """Return coefficients, a row for each label that it knows, and their intercepts."""
    coefficients, intercept = classifier.coef_, classifier.intercept_
    if len(coefficients) == 1:
        coefficients = np.vstack([-coefficients / 2, coefficients / 2])
        intercept = np.concatenate([-intercept / 2, intercept / 2])
    return coefficients, intercept


def fit_head(
    counts: Sequence[csr_matrix],
    targets: IntArray,
    weights: FloatArray,
    n_classes: int,
    settings: HeadSettings = USUAL,
    vectors: csr_matrix | None = None,
) -> LinearHead:
    """Fit on the given rows; their weights are scaled to mean 1 so that C keeps its meaning.

    Parameters
    ----------
    counts : matrices of term counts, (n, V) each
    targets : shape (n,), in 0..n_classes-1, at least two of them present
    weights : shape (n,), above 0
    n_classes : columns of the logits, present or not
    vectors : shape (n, d)
        Further features, beside those of the terms.
    """
    classifier = LogisticRegression(
        C=settings.inverse_regularisation,
        class_weight=settings.class_weights,
        solver="newton-cg",
        tol=1e-4,
        max_iter=MAX_ITERATIONS,
    )
    head = LinearHead([_idf(one) for one in counts], classifier, np.unique(targets), n_classes)
    classifier.fit(head.features(counts, vectors), targets, sample_weight=weights / weights.mean())
    return head


def _idf(counts: csr_matrix) -> FloatArray:
    texts_with = counts.getnnz(axis=0)
    idf = np.log((1 + counts.shape[0]) / (1 + texts_with)) + 1
    return np.where(texts_with > 0, idf, 0.0)


@dataclass(frozen=True)
class TextLinearPipeline:
    """The trained pipeline in scikit-learn: the reference of the exported graph."""

    fields: list[str]
    terms: list[Terms]
    head: LinearHead
    calibration: Calibration

    def predict_proba(self, rows: Sequence[Mapping[str, str]]) -> FloatArray:
        """Calibrated class probabilities, shape (n, K), in the project's label order."""
        counts = [one.counts(rows) for one in self.terms]
        return self.calibration.probabilities(self.head.logits(counts))
