"""Gradient-boosted trees on a matrix of features, and their export as one tree ensemble.

The trees are scikit-learn's, after LightGBM. Splits are on numbers alone; where a number is not
known, each split says which way to go.

References
----------
Ke et al., NeurIPS 2017 (histograms, leaf-wise growth). Grinsztajn, Oyallon, Varoquaux, NeurIPS 2022
(trees on tables).
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import helper
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from services.trainer.recipes.exporting import constant
from services.trainer.recipes.features import ABSENT_LOGIT
from services.trainer.recipes.recipe import FloatArray, IntArray

MOST_LABELS = 30
"""With more labels there would be too many trees: each round grows one a label."""


@dataclass(frozen=True)
class BoostedTrees:
    """Fitted trees.

    Attributes
    ----------
    model : the fitted classifier of the labels that are present
    present : places of these labels
    n_classes : columns of the logits, present or not
    """

    model: HistGradientBoostingClassifier
    present: IntArray
    n_classes: int

    def logits(self, features: FloatArray) -> FloatArray:
        """Return the logits of n rows, shape (n, K); labels without an example have -10,000."""
        with _one_thread():
            raw = np.asarray(self.model.decision_function(features), dtype=np.float64)
        if raw.ndim == 1:
            raw = np.column_stack([-raw / 2, raw / 2])
        out = np.full((len(features), self.n_classes), ABSENT_LOGIT)
        out[:, self.present] = raw
        return out

    def nodes(self, features: str, logits: str) -> tuple[list[Any], list[Any]]:
        """Return the graph's nodes and constants from the features to the logits."""
        spread = np.zeros((self._outputs, self.n_classes))
        if self._outputs == 1:
            spread[0, self.present] = (-0.5, 0.5)
        else:
            spread[np.arange(self._outputs), self.present] = 1.0
        bias = np.full(self.n_classes, ABSENT_LOGIT)
        bias[self.present] = 0.0
        trees: dict[str, Any] = self._tree_attributes()
        nodes = [
            helper.make_node(
                "TreeEnsembleRegressor",
                [features],
                ["/raw"],
                domain="ai.onnx.ml",
                n_targets=self._outputs,
                aggregate_function="SUM",
                post_transform="NONE",
                # A list of floats of this name: what the trees add to.
                base_values=np.ravel(self.model._baseline_prediction).astype(float).tolist(),
                **trees,
            ),
            helper.make_node("Gemm", ["/raw", "/spread", "/absent"], [logits]),
        ]
        return nodes, [constant("/spread", spread), constant("/absent", bias)]

    @property
    def _outputs(self) -> int:
        return len(self.model._predictors[0])

    def _tree_attributes(self) -> dict[str, list[Any]]:
        found = defaultdict[str, list[Any]](list)
        rounds = self.model._predictors
        trees = [(output, tree.nodes) for one in rounds for output, tree in enumerate(one)]
        for number, (output, table) in enumerate(trees):
            n, is_leaf = len(table), table["is_leaf"].astype(bool)
            places = np.arange(n)
            columns = {
                "treeids": np.full(n, number),
                "nodeids": places,
                "featureids": np.where(is_leaf, 0, table["feature_idx"]),
                "values": np.where(is_leaf, 0.0, _rounded_down(table["num_threshold"])),
                "truenodeids": np.where(is_leaf, 0, table["left"]),
                "falsenodeids": np.where(is_leaf, 0, table["right"]),
                "missing_value_tracks_true": np.where(is_leaf, 0, table["missing_go_to_left"]),
            }
            for name, column in columns.items():
                found[f"nodes_{name}"] += column.tolist()
            found["nodes_modes"] += ["LEAF" if leaf else "BRANCH_LEQ" for leaf in is_leaf]
            ends = places[is_leaf]
            found["target_treeids"] += [number] * len(ends)
            found["target_nodeids"] += ends.tolist()
            found["target_ids"] += [output] * len(ends)
            found["target_weights"] += table["value"][is_leaf].tolist()
        return found


def _rounded_down(thresholds: FloatArray) -> FloatArray:
    """Return the largest float32 at or below each threshold.

    A float32 number is at most this if and only if it is at most the threshold.
    """
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
    lower = np.nextafter(near, np.float32(-np.inf))
    return np.where(near > thresholds, lower, near).astype(np.float64)


def _one_thread() -> Any:
    # Between the many short loops of a tree further threads only spin, on a busy machine for long.
    return threadpool_limits(limits=1)


def fit_boosting(
    features: FloatArray,
    targets: IntArray,
    weights: FloatArray,
    n_classes: int,
    *,
    rounds: int,
    rate: float,
    leaves: int,
    seed: int,
) -> BoostedTrees:
    """Fit the trees.

    Parameters
    ----------
    features : shape (n, d), float32 values, NaN where unknown
    targets : shape (n,), in 0..n_classes-1, at least two of them present
    weights : shape (n,), above 0
    rounds, rate, leaves : how many rounds, their learning rate, and the most leaves of a tree
    """
    model = HistGradientBoostingClassifier(
        max_iter=rounds,
        learning_rate=rate,
        max_leaf_nodes=leaves,
        min_samples_leaf=10,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    with _one_thread():
        model.fit(features, targets, sample_weight=weights / weights.mean())
    return BoostedTrees(model, np.unique(targets), n_classes)
