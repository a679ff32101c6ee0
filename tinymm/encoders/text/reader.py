"""What the encoders of whole texts share: tokens to vectors, vectors to features."""

import numpy as np

from ... import functional as F
from ... import nn

__all__ = ["TextEncoder"]


class TextEncoder(nn.Module):
    """A table of token vectors, and a `read` that subclasses write.

    Attributes
    ----------
    embedding : Embedding (V, E)
    width : int
        D of the feature sequence.
    pooled_width : int
        P of the pooled vector.
    """

    def __init__(self, vocabulary, embedding, width, pooled_width, dropout, rng):
        self.embedding = nn.Embedding(vocabulary, embedding, rng=rng)
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.width, self.pooled_width = width, pooled_width

    def forward(self, ids, mask=None):
        """Read a batch of texts.

        Parameters
        ----------
        ids : int array (B, T) or (B, T, G)
            Tokens; or bags of pieces, filled up with 0, as `SubwordTokenizer` makes them.
        mask : boolean array (B, T), optional
            True where there is a token; default: everywhere.

        Returns
        -------
        Encoded
            A feature per token (B, T, D), zero under padding; one vector for the text (B, P); and the mask.
        """
        return self.read(self.embed(ids), mask)

    def embed(self, ids):
        r"""Tokens (B, T), or bags of pieces (B, T, G), to vectors (B, T, E).

        Of a bag: the vector of its first piece, the word, and the mean of the others, its runs of letters,
        $x = E_{g_0} + \frac{1}{|g| - 1} \sum_{i > 0} E_{g_i}$.
        """
        if ids.ndim == 2:
            return self.embedding(ids)
        word, runs = self.embedding(ids[..., 0]), self.embedding(ids[..., 1:])
        real = ids[..., 1:] != 0                                         # (B, T, G - 1)
        shares = real / np.maximum(real.sum(-1, keepdims=True), 1)
        return word + F.sum(runs * shares[..., None].astype(runs.dtype), 2)

    def read(self, x, mask=None):
        """Token vectors x (B, T, E), mask (B, T) to `Encoded`: features (B, T, D), one vector (B, P), and the mask."""
        raise NotImplementedError(f"{type(self).__name__}: a reader of texts needs a method `read`")
