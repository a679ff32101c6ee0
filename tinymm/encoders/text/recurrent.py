"""Recurrent readers: one state runs through the text from the left, another from the right."""

from ... import nn
from ..encoded import Encoded, checked_mask, zero_hidden
from ..over_time import max_over_time
from .reader import TextEncoder

__all__ = ["TextRNN"]

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class TextRNN(TextEncoder):
    r"""A bidirectional recurrent network; the feature of a word has seen all words on both sides.

    $$ \overrightarrow h_t = f(x_t, \overrightarrow h_{t-1}), \quad
       \overleftarrow h_t = g(x_t, \overleftarrow h_{t+1}), \quad
       y = \max_t\, [\overrightarrow h_t; \overleftarrow h_t] $$

    Parameters
    ----------
    vocabulary : int
        V.
    width : int
        D = P, half of it for each direction.
    embedding : int
        E, width of a word vector.
    cell : {"lstm", "gru", "rnn"}
        f and g.
    layers : int
    dropout : float
        On the word vectors, and between layers.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If the width is odd, or there is no such cell.

    References
    ----------
    Schuster & Paliwal (1997), Bidirectional recurrent neural networks; the maximum: Conneau et al. (2017), Supervised
    learning of universal sentence representations, §3.2.2.

    Examples
    --------
    >>> import numpy as np
    >>> encoder = TextRNN(10, 12, embedding=8, cell="gru", rng=np.random.default_rng(0))
    >>> encoded = encoder(np.array([[4, 5, 6, 7]]))
    >>> encoded.sequence.shape, encoded.pooled.shape
    ((1, 4, 12), (1, 12))
    """

    def __init__(self, vocabulary, width=256, embedding=128, cell="lstm", layers=1, dropout=0.0, *, rng):
        if width % 2 or cell not in CELLS:
            raise ValueError(f"TextRNN: width is even and cell one of {', '.join(CELLS)}; got {width} and {cell!r}")
        super().__init__(vocabulary, embedding, width, width, dropout, rng)
        self.recurrence = CELLS[cell](embedding, width // 2, layers, dropout=dropout, bidirectional=True, rng=rng)

    def read(self, x, mask=None):
        """x (B, T, E), mask (B, T) to `Encoded`: (B, T, D) and its largest values over time, (B, D)."""
        mask = checked_mask("TextRNN", mask, x.shape[:2])
        features, _ = self.recurrence(self.dropout(zero_hidden(x, mask)), mask=mask)
        return Encoded(features, max_over_time(features, mask), mask)
