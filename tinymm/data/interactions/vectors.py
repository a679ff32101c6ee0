"""Symbols shown as vectors: each modality has a random code for each of its symbols, and noise on it."""

import numpy as np
from scipy.special import ndtr

from .tables import draw_symbols

__all__ = ["VectorWorld"]


class VectorWorld:
    """Two vectors and a label, by a table of symbols.

    Parameters
    ----------
    table : (A, B, Y) array
        p(a, b, y).
    rng : numpy.random.Generator
        Draws the codes.
    width : int
        Of each vector.
    noise : float
        Standard deviation of what is added to each entry; the codes' is 1.

    Attributes
    ----------
    codes : tuple of two arrays (A, width), (B, width)
    confusion : float
        An upper bound on the probability that the nearest code is another one, in either vector. Noise can only lower
        the best accuracies of the table, and lowers them by no more than this.

    Examples
    --------
    >>> from tinymm.data.interactions import synergistic
    >>> world = VectorWorld(synergistic().table, np.random.default_rng(0))
    >>> (first, second), labels = world.sample(5, np.random.default_rng(1))
    >>> first.shape, second.dtype, labels.shape, world.confusion < 1e-6
    ((5, 16), dtype('float32'), (5,), True)
    """

    def __init__(self, table, rng, width=16, noise=0.3):
        self.table, self.noise = np.asarray(table), noise
        self.codes = tuple(rng.standard_normal((count, width), dtype=np.float32) for count in self.table.shape[:2])
        self.confusion = sum(_confusion(codes, noise) for codes in self.codes)

    def sample(self, n, rng, table=None):
        """Draw examples.

        Parameters
        ----------
        n : int
        rng : numpy.random.Generator
        table : array, optional
            Another table of the same symbols, for a control.

        Returns
        -------
        (first, second) : pair of float32 arrays (n, width)
        labels : int64 array (n,)
        """
        *symbols, labels = draw_symbols(self.table if table is None else table, n, rng)
        return self.show(symbols, rng), labels

    def show(self, symbols, rng):
        """The vectors (n, width) of the symbols of each modality, int arrays (n,)."""
        return tuple(codes[own] + self.noise * rng.standard_normal((len(own), codes.shape[1]), dtype=np.float32)
                     for codes, own in zip(self.codes, symbols))


def _confusion(codes, noise):
    """A union bound: the largest sum, over the other codes, of the probability to lie nearer to one of them."""
    if noise == 0:
        return 0.0
    distance = np.linalg.norm(codes[:, None] - codes[None], axis=-1)
    return float((ndtr(-distance / (2 * noise)).sum(1) - 0.5).max())     # ndtr(0) is the code's own
