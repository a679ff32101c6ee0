"""Images with a class each, in memory or in files: what every reader of labelled images returns."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

__all__ = ["LabelledImages"]


@dataclass
class LabelledImages:
    """Images and their classes; pixels are read when needed.

    Attributes
    ----------
    labels : int array (N,)
        Class numbers, which index `names`.
    names : list of str
    size : (int, int, int)
        C, H, W of every image.
    load : callable
        `load(indices)` → float32 (n, C, H, W) in [0, 1].
    notes : dict
        What the reader left out or changed, for the report.

    Examples
    --------
    >>> pixels = np.zeros((4, 1, 2, 2), np.float32)
    >>> data = LabelledImages(np.array([0, 1, 0, 1]), ["cat", "dog"], size=(1, 2, 2),
    ...                       load=lambda indices: pixels[indices])
    >>> part = data.part(np.array([1, 3]))
    >>> len(part), part.labels.tolist(), part.load(np.array([0])).shape
    (2, [1, 1], (1, 1, 2, 2))
    """

    labels: np.ndarray
    names: list
    size: tuple
    load: Callable
    notes: dict = field(default_factory=dict)

    def __len__(self):
        return len(self.labels)

    def part(self, rows):
        """The images of the given rows, in the order given."""
        rows = np.asarray(rows)
        return LabelledImages(self.labels[rows], self.names, size=self.size,
                              load=lambda indices: self.load(rows[indices]), notes=self.notes)
