"""A bag of words: what was said, but not in which order. The baseline every reader of sequences has to beat."""

from ... import functional as F
from ... import nn
from ..encoded import Encoded, checked_mask, zero_hidden
from ..over_time import mean_over_time
from .reader import TextEncoder

__all__ = ["BagOfWords"]


class BagOfWords(TextEncoder):
    r"""The mean of the word vectors, through one hidden layer: $\mathrm{ReLU}(W \tfrac1T \sum_t E_{w_t} + b)$.

    A sum does not know the order of its terms, so two texts of the same words always get the same vector, whatever is
    learned. The hidden layer lets words that occur together mean something else than each alone. The feature sequence
    is that of the words, each by itself.

    Parameters
    ----------
    vocabulary : int
        V.
    width : int
        D = E = P.
    dropout : float
        On the word vectors.
    rng : numpy.random.Generator

    References
    ----------
    Iyyer et al. (2015), Deep unordered composition rivals syntactic methods for text classification, §3.

    Examples
    --------
    >>> import numpy as np
    >>> encoder = BagOfWords(10, 8, rng=np.random.default_rng(0))
    >>> encoded = encoder(np.array([[4, 5, 6], [6, 5, 4]]))
    >>> encoded.sequence.shape, encoded.pooled.shape, np.allclose(encoded.pooled.data[0], encoded.pooled.data[1])
    ((2, 3, 8), (2, 8), True)
    """

    def __init__(self, vocabulary, width=128, dropout=0.0, *, rng):
        super().__init__(vocabulary, width, width, width, dropout, rng)
        self.hidden = nn.Linear(width, width, rng=rng)

    def read(self, x, mask=None):
        """x (B, T, D), mask (B, T) to `Encoded`: x itself, and (B, D)."""
        mask = checked_mask("BagOfWords", mask, x.shape[:2])
        x = self.dropout(zero_hidden(x, mask))
        return Encoded(x, F.relu(self.hidden(mean_over_time(x, mask))), mask)
