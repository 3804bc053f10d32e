"""Votes as index arrays, and the votes that every reviewer is supposed to have given (pure)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

UNKNOWN = -1
# Numbers in the largest array that a fit makes: 256 MiB of float64.
MAX_CELLS = 2**25


@dataclass(frozen=True)
class Pseudocounts:
    """Votes that every reviewer is supposed to have given, and items of every class.

    Attributes
    ----------
    diagonal : above 0
        Right votes on each true label.
    shared : above 0
        Wrong votes on each true label, shared equally by the other labels.
    label : above 0
        Items of each true label.
    """

    diagonal: float = 4.0
    shared: float = 1.0
    label: float = 1.0

    def of_votes(self, n_labels: int) -> FloatArray:
        """Pseudo-votes, shape (n_labels, n_labels): true label, given label."""
        out = np.full((n_labels, n_labels), self.shared / max(1, n_labels - 1))
        np.fill_diagonal(out, self.diagonal)
        return out


HONEST = Pseudocounts()


@dataclass(frozen=True)
class Votes:
    """Verdicts as index arrays, one entry a verdict.

    Attributes
    ----------
    tasks, reviewers, labels : shape (n,)
        Indices from 0; a reviewer votes on a task once, unless the same person judged it anew.
    n_tasks, n_reviewers, n_labels
        How many of each there are, those without a vote included; at least 2 labels.

    Raises
    ------
    ValueError
        Unequal lengths, an index out of range, or so many that a fit would not fit into memory
        (`MAX_CELLS`).
    """

    tasks: IntArray
    reviewers: IntArray
    labels: IntArray
    n_tasks: int
    n_reviewers: int
    n_labels: int

    def __post_init__(self) -> None:
        if self.n_labels < 2:
            raise ValueError("there must be at least two labels")
        sizes = {"tasks": self.n_tasks, "reviewers": self.n_reviewers, "labels": self.n_labels}
        for name, size in sizes.items():
            indices = np.asarray(getattr(self, name), dtype=np.int64)
            object.__setattr__(self, name, indices)
            if indices.shape != (len(self.tasks),) or ((indices < 0) | (indices >= size)).any():
                raise ValueError(f"{name} must be one index from 0 to {size - 1} a vote")
        if max(self.n_reviewers * self.n_labels, self.n_tasks) * self.n_labels > MAX_CELLS:
            raise ValueError("too many reviewers, tasks or labels for a dense model")

    def __len__(self) -> int:
        return len(self.tasks)
