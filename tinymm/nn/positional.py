"""Where a token stands: sinusoids, or a learned vector per position, added to the embeddings."""

import math

import numpy as np

from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["LearnedPositionalEncoding", "SinusoidalPositionalEncoding", "sinusoids"]


def sinusoids(length, width):
    r"""Sines and cosines of geometrically growing wavelengths.

    $$PE_{t,2i} = \sin(t / 10000^{2i/D}), \qquad PE_{t,2i+1} = \cos(t / 10000^{2i/D})$$

    Parameters
    ----------
    length : int
        T, number of positions.
    width : int
        D; if it is odd, the last sine has no cosine beside it.

    Returns
    -------
    ndarray (T, D), float64

    References
    ----------
    Vaswani et al. (2017), Attention is all you need, §3.5.

    Examples
    --------
    >>> sinusoids(2, 4).round(2)
    array([[0.  , 1.  , 0.  , 1.  ],
           [0.84, 0.54, 0.01, 1.  ]])
    """
    frequency = np.exp(np.arange(0, width, 2) * (-math.log(10000.0) / width))
    angle = np.outer(np.arange(length), frequency)  # (T, ceil(D / 2))
    table = np.empty((length, width))
    table[:, 0::2] = np.sin(angle)
    table[:, 1::2] = np.cos(angle[:, :width // 2])
    return table


class SinusoidalPositionalEncoding(Module):
    """Add the fixed `sinusoids` to a sequence of any length.

    Parameters
    ----------
    embedding_dim : int
        D.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> tm.nn.SinusoidalPositionalEncoding(4)(tm.tensor(np.zeros((1, 1, 4)))).tolist()
    [[[0.0, 1.0, 0.0, 1.0]]]
    """

    def __init__(self, embedding_dim):
        self._table = np.empty((0, embedding_dim))  # grows with the longest sequence seen

    def forward(self, x, offset=0):
        """x (..., T, D) to the same shape; x begins at position `offset`."""
        stop = offset + x.shape[-2]
        width = self._table.shape[1]
        if x.shape[-1] != width:
            raise ValueError(f"SinusoidalPositionalEncoding: the input must be (..., T, {width}); got {x.shape}")
        if stop > len(self._table):
            self._table = sinusoids(stop, width)
        return x + self._table[offset:stop].astype(x.dtype)

    def extra_repr(self):
        return str(self._table.shape[1])


class LearnedPositionalEncoding(Module):
    """Add a trained vector per position.

    Parameters
    ----------
    max_len : int
        The longest sequence that can be encoded.
    embedding_dim : int
        D.
    rng : numpy.random.Generator
        Draws the vectors from N(0, 0.02²), as GPT-2 and BERT do.

    Attributes
    ----------
    weight : Parameter (max_len, D)

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layer = tm.nn.LearnedPositionalEncoding(10, 4, rng=np.random.default_rng(0))
    >>> layer(tm.tensor(np.zeros((2, 7, 4), np.float32))).shape
    (2, 7, 4)
    """

    def __init__(self, max_len, embedding_dim, *, rng):
        self.weight = init.normal_(Parameter(np.empty((max_len, embedding_dim), np.float32)), std=0.02, rng=rng)

    def forward(self, x, offset=0):
        """x (..., T, D) to the same shape; x begins at position `offset`."""
        stop = offset + x.shape[-2]
        if stop > len(self.weight):
            raise ValueError(f"LearnedPositionalEncoding: has {len(self.weight)} positions; "
                             f"got a sequence that ends at {stop}")
        return x + self.weight[offset:stop]

    def extra_repr(self):
        return f"{self.weight.shape[0]}, {self.weight.shape[1]}"
