"""Small features of pictures: responses of small filters, pooled over a grid.

Filters are the means of clusters of patches of the training pictures, whitened: no label is used.
A response is how much a patch is like a filter, beyond a threshold; a cell of the grid has the mean
response of its patches to each filter. The exported graph does the same by one convolution.

References
----------
Coates, Ng, Lee, AISTATS 2011 (k-means filters, whitening and pooling do well on small pictures).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from onnx import helper
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_limits

from services.trainer.recipes.exporting import constant
from services.trainer.recipes.recipe import Float32Array, FloatArray, RecipeRefused
from shared.fields.image import is_stored_url
from shared.fields.layouts import BadImage, Layout
from shared.fields.pictures import Picture

SIDE = 32
"""Pictures are resized to a square of so many pixels."""
_PATCH = 6
_GRID = 3
_STRIDE = (SIDE - _PATCH + 1) // _GRID
_FILTERS = 96
_PATCHES = 20_000
_CHUNK = 256
# Of the variance of patches of pixels in [0, 1]: what varies less is noise.
_WHITENING = 0.01
_LAYOUT = Layout(SIDE, SIDE, 3, True, True, (0.0,) * 3, (1.0,) * 3)
SHAPE = [-1, 3, SIDE, SIDE]


def pixels_of(rows: Sequence[Mapping[str, Any]], field: str) -> Float32Array:
    """Return the pictures of a field, shape (n, 3, 32, 32), float32 values in [0, 1].

    Raises `RecipeRefused`: one cannot be decoded, or is the URL of a stored one.
    """
    out = np.zeros((len(rows), 3, SIDE, SIDE), dtype=np.float32)
    for i, row in enumerate(rows):
        if is_stored_url(row[field]):
            raise RecipeRefused(
                f"field {field} has the URL of a stored picture, which is not fetched: send the "
                "pictures themselves, or keep the items from training"
            )
        try:
            out[i] = Picture(row[field]).array(_LAYOUT)
        except BadImage as fault:
            raise RecipeRefused(f"field {field} of a labelled item {fault}") from fault
    return out


@dataclass(frozen=True)
class Filters:
    """Fitted filters.

    Attributes
    ----------
    weights : shape (f, 3, 6, 6), float32 values
    bias : shape (f,), float32 values
    """

    weights: FloatArray
    bias: FloatArray

    @classmethod
    def of(cls, pixels: Float32Array, seed: int) -> "Filters":
        """Cluster patches of the pictures."""
        patches = _some_patches(pixels, seed)
        mean = patches.mean(axis=0)
        centred = patches - mean
        values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
        whitening = vectors @ np.diag(1 / np.sqrt(np.maximum(values, 0) + _WHITENING)) @ vectors.T
        with threadpool_limits(limits=1):
            clusters = MiniBatchKMeans(
                n_clusters=min(_FILTERS, len(patches)), n_init=1, random_state=seed
            ).fit(centred @ whitening)
        centres = clusters.cluster_centers_
        # Like a filter is what lies close to the centre's direction; the threshold is the mean
        # response, so that about half of the patches are told apart from the others.
        length = np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-6)
        weights = (centres / length) @ whitening
        bias = -(patches @ weights.T).mean(axis=0)
        shape = (len(weights), 3, _PATCH, _PATCH)
        return cls(_float32(weights).reshape(shape), _float32(bias))

    def features(self, pixels: Float32Array) -> FloatArray:
        """Return the pooled responses, shape (n, f · 9)."""
        parts = [
            self._features(pixels[start : start + _CHUNK])
            for start in range(0, len(pixels), _CHUNK)
        ]
        return np.concatenate(parts).astype(np.float64)

    def _features(self, pixels: Float32Array) -> FloatArray:
        windows = sliding_window_view(pixels, (_PATCH, _PATCH), axis=(2, 3))
        n, _, height, width = windows.shape[:4]
        patches = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * height * width, -1)
        flat = self.weights.reshape(len(self.weights), -1)
        with threadpool_limits(limits=1):
            raw = patches @ flat.T.astype(np.float32) + self.bias.astype(np.float32)
        # A map of responses, pooled over cells.
        side = _GRID * _STRIDE
        responses = np.maximum(raw, 0).reshape(n, height, width, -1)[:, :side, :side]
        cells = responses.reshape(n, _GRID, _STRIDE, _GRID, _STRIDE, -1).mean(axis=(2, 4))
        return np.asarray(cells.transpose(0, 3, 1, 2).reshape(n, -1))

    def nodes(self, at: str, pixels: str, features: str) -> tuple[list[Any], list[Any]]:
        """Return the graph's nodes and constants, named below `at`."""
        nodes = [
            helper.make_node("Conv", [pixels, f"{at}filters", f"{at}bias"], [f"{at}raw"]),
            helper.make_node("Relu", [f"{at}raw"], [f"{at}responses"]),
            helper.make_node(
                "AveragePool",
                [f"{at}responses"],
                [f"{at}cells"],
                kernel_shape=[_STRIDE, _STRIDE],
                strides=[_STRIDE, _STRIDE],
            ),
            helper.make_node("Flatten", [f"{at}cells"], [features], axis=1),
        ]
        return nodes, [constant(f"{at}filters", self.weights), constant(f"{at}bias", self.bias)]


def _some_patches(pixels: Float32Array, seed: int) -> FloatArray:
    """Return patches from anywhere in the pictures, shape (m, 108)."""
    chance, count = np.random.default_rng(seed), _PATCHES
    picture = chance.integers(len(pixels), size=count)
    top, left = chance.integers(SIDE - _PATCH + 1, size=(2, count))
    windows = sliding_window_view(pixels, (_PATCH, _PATCH), axis=(2, 3))
    return np.asarray(windows[picture, :, top, left].reshape(count, -1), dtype=np.float64)


def _float32(values: FloatArray) -> FloatArray:
    return values.astype(np.float32).astype(np.float64)
