"""TF-IDF of each text field and the trained pipeline that the exported graph must equal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, diags, hstack
from scipy.special import softmax
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression

from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.recipe import FloatArray, IntArray
from services.trainer.recipes.tokens import terms

# The graph holds one dense row of term weights an item, so the vocabulary bounds its latency.
MAX_TERMS = 50_000
INVERSE_REGULARISATION = 30.0
MAX_ITERATIONS = 1_000
# The logit of a label without an example: its probability is 0 in every allowed calibration.
ABSENT_LOGIT = -1e4
# A field without a single word still needs one column; no text contains this term.
_NO_TERM = " "


def fit_vocabulary(texts: Sequence[str]) -> CountVectorizer:
    """Count the terms of one field; the most frequent `MAX_TERMS` are kept."""
    counter = CountVectorizer(analyzer=terms, max_features=MAX_TERMS, dtype=np.float64)
    if any(terms(text) for text in texts):
        return counter.fit(texts)
    return CountVectorizer(analyzer=terms, vocabulary=[_NO_TERM], dtype=np.float64)


@dataclass(frozen=True)
class LinearHead:
    """Inverse document frequencies of each field, then one logistic regression over all fields.

    Terms that its rows do not hold carry weight 0 in both, as if they were not in the vocabulary.
    """

    tfidf: list[TfidfTransformer]
    seen: list[FloatArray]
    classifier: LogisticRegression
    present: IntArray
    n_classes: int

    def features(self, counts: Sequence[csr_matrix]) -> csr_matrix:
        """Each field's TF-IDF rows at length 1, side by side; a row without terms stays 0."""
        weighted = [
            transformer.transform(csr_matrix(matrix @ diags(seen)))
            for transformer, matrix, seen in zip(self.tfidf, counts, self.seen, strict=True)
        ]
        return csr_matrix(hstack(weighted))

    def logits(self, counts: Sequence[csr_matrix]) -> FloatArray:
        """Logits before calibration, shape (n, K), in the project's label order."""
        decision = self.classifier.decision_function(self.features(counts))
        if decision.ndim == 1:
            decision = np.column_stack([-decision / 2, decision / 2])
        out = np.full((len(decision), self.n_classes), ABSENT_LOGIT)
        out[:, self.present] = decision
        return out

    def affine(self) -> tuple[FloatArray, FloatArray]:
        """Weights (V, K) and bias (K,) of `logits` over the concatenated, normalised features."""
        coefficients, intercept = self.classifier.coef_, self.classifier.intercept_
        if len(coefficients) == 1:
            coefficients = np.vstack([-coefficients / 2, coefficients / 2])
            intercept = np.concatenate([-intercept / 2, intercept / 2])
        weights = np.zeros((coefficients.shape[1], self.n_classes))
        weights[:, self.present] = coefficients.T
        bias = np.full(self.n_classes, ABSENT_LOGIT)
        bias[self.present] = intercept
        return weights, bias


def fit_head(
    counts: Sequence[csr_matrix], targets: IntArray, weights: FloatArray, n_classes: int
) -> LinearHead:
    """Fit on the given rows; their weights are scaled to mean 1 so that C keeps its meaning.

    Parameters
    ----------
    counts : one (n, V_f) matrix of term counts a field
    targets : shape (n,), in 0..n_classes-1, at least two of them present
    weights : shape (n,), above 0
    n_classes : columns of the logits, present or not
    """
    tfidf = [TfidfTransformer().fit(matrix) for matrix in counts]
    seen = [(matrix.getnnz(axis=0) > 0).astype(np.float64) for matrix in counts]
    classifier = LogisticRegression(
        C=INVERSE_REGULARISATION, solver="newton-cg", tol=1e-6, max_iter=MAX_ITERATIONS
    )
    head = LinearHead(tfidf, seen, classifier, np.unique(targets), n_classes)
    classifier.fit(head.features(counts), targets, sample_weight=weights / weights.mean())
    return head


@dataclass(frozen=True)
class TextLinearPipeline:
    """The trained pipeline in scikit-learn: the reference of the exported graph."""

    fields: list[str]
    vocabularies: list[CountVectorizer]
    head: LinearHead
    calibration: Calibration

    def counts(self, rows: Sequence[Mapping[str, str]]) -> list[csr_matrix]:
        """Term counts of each field, (n, V_f) each."""
        return [
            vocabulary.transform([row[field] for row in rows])
            for field, vocabulary in zip(self.fields, self.vocabularies, strict=True)
        ]

    def predict_proba(self, rows: Sequence[Mapping[str, str]]) -> FloatArray:
        """Calibrated class probabilities, shape (n, K), in the project's label order."""
        logits = self.calibration.apply(self.head.logits(self.counts(rows)))
        probabilities: Any = softmax(logits, axis=1)
        return np.asarray(probabilities, dtype=np.float64)
