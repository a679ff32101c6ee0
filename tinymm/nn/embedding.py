"""Embedding: a table of vectors, looked up by number."""

import numpy as np

from .. import functional as F
from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["Embedding"]


class Embedding(Module):
    r"""One vector per number: $y = E_{i}$.

    Parameters
    ----------
    num_embeddings : int
        V, how many different numbers there are.
    embedding_dim : int
        D, width of a vector.
    padding_idx : int, optional
        A number whose vector starts at zero and never gets a gradient.
    rng : numpy.random.Generator
        Draws E from $N(0, 1)$.

    Attributes
    ----------
    weight : Parameter (V, D)

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> table = tm.nn.Embedding(10, 4, padding_idx=0, rng=np.random.default_rng(0))
    >>> table(np.array([[3, 1, 0]])).shape
    (1, 3, 4)
    """

    def __init__(self, num_embeddings, embedding_dim, padding_idx=None, *, rng):
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"Embedding: padding_idx lies in [-{num_embeddings}, {num_embeddings}); got {padding_idx}")
        self.padding_idx = padding_idx
        self.weight = init.normal_(Parameter(np.empty((num_embeddings, embedding_dim), np.float32)), rng=rng)
        if padding_idx is not None:
            self.weight.data[padding_idx] = 0

    def forward(self, input):
        """input integers (...) to (..., D)."""
        return F.embedding(input, self.weight, padding_idx=self.padding_idx)

    def extra_repr(self):
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.weight.shape[0]}, {self.weight.shape[1]}{padding}"
