"""Convolution over words: detectors of short phrases, and the strongest response of each."""

from ... import functional as F
from ... import nn
from ..encoded import Encoded, checked_mask, zero_hidden
from ..over_time import max_over_time
from .reader import TextEncoder

__all__ = ["TextCNN"]


class TextCNN(TextEncoder):
    r"""Filters over windows of one, two, three words; of each the largest response anywhere in the text.

    $$ c_t^{(k)} = \mathrm{ReLU}\big(W^{(k)} [x_{t-\lfloor (k-1)/2 \rfloor}; \dots; x_{t+\lfloor k/2 \rfloor}]
       + b^{(k)}\big), \qquad
       y = \max_t\, [c_t^{(1)}; c_t^{(2)}; \dots] $$

    Parameters
    ----------
    vocabulary : int
        V.
    width : int
        D = P; divided evenly among the window sizes.
    embedding : int
        E, width of a word vector.
    windows : sequence of int
        Window sizes k, in words; outside the text there are zeros.
    dropout : float
        On the word vectors.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If the width cannot be divided evenly.

    References
    ----------
    Kim (2014), Convolutional neural networks for sentence classification, eq. 2-4.

    Examples
    --------
    >>> import numpy as np
    >>> encoder = TextCNN(10, 12, embedding=8, rng=np.random.default_rng(0))
    >>> sequence, pooled, _ = encoder(np.array([[4, 5, 6, 7]]))
    >>> sequence.shape, pooled.shape, np.array_equal(pooled.data, sequence.data.max(1))
    ((1, 4, 12), (1, 12), True)
    """

    def __init__(self, vocabulary, width=192, embedding=128, windows=(1, 2, 3), dropout=0.0, *, rng):
        if width % len(windows):
            raise ValueError(f"TextCNN: width must be a multiple of {len(windows)}, the number of windows; got {width}")
        super().__init__(vocabulary, embedding, width, width, dropout, rng)
        filters = width // len(windows)
        self.convolutions = nn.ModuleList([nn.Conv1d(embedding, filters, k, padding="same", rng=rng) for k in windows])

    def read(self, x, mask=None):
        """x (B, T, E), mask (B, T) to `Encoded`: (B, T, D) and its largest values over time, (B, D)."""
        mask = checked_mask("TextCNN", mask, x.shape[:2])
        x = F.transpose(self.dropout(zero_hidden(x, mask)), 1, 2)        # (B, E, T)
        found = F.concatenate([F.relu(convolution(x)) for convolution in self.convolutions], 1)
        features = zero_hidden(F.transpose(found, 1, 2), mask)           # (B, T, D)
        return Encoded(features, max_over_time(features, mask), mask)
