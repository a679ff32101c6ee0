"""Text prefixes to feature sequences: position t has seen the words up to t and none after it."""

import math

import numpy as np

from ... import functional as F
from ... import nn

__all__ = ["CausalLSTM", "CausalTransformer"]


class CausalLSTM(nn.Module):
    """Article 3.1.1, step 2, recurrent: words → embedding → LSTM → one feature per prefix.

    Parameters
    ----------
    vocabulary : int
        V, number of words.
    width : int
        D of the features.
    embedding : int
        Width of a word vector.
    context : int
        Width of the vector the state starts from (an image, say).
    dropout : float
        On the word vectors.
    context_dropout : float
        On the context: what it holds of the scene as a whole is easily learned by heart.
    rng : numpy.random.Generator

    Examples
    --------
    >>> import numpy as np
    >>> encoder = CausalLSTM(10, 16, context=8, rng=np.random.default_rng(0))
    >>> encoder(np.array([[1, 4, 5]]), np.zeros((1, 8), np.float32)).shape
    (1, 3, 16)
    """

    def __init__(self, vocabulary, width=256, embedding=128, context=128, dropout=0.0, context_dropout=0.0, *, rng):
        self.embedding = nn.Embedding(vocabulary, embedding, rng=rng)
        self.start = nn.Linear(context, 2 * width, rng=rng)
        self.lstm = nn.LSTM(embedding, width, rng=rng)
        self.dropout, self.context_dropout = nn.Dropout(dropout, rng=rng), nn.Dropout(context_dropout, rng=rng)
        self.width = width

    def forward(self, ids, context):
        """ids (B, T) int, context (B, C) to features (B, T, D)."""
        h, c = F.split(self.start(self.context_dropout(context)), self.width, -1)              # (B, D) each
        h, c = F.unsqueeze(F.tanh(h), 0), F.unsqueeze(c, 0)              # (1, B, D): one layer
        features, _ = self.lstm(self.dropout(self.embedding(ids)), (h, c))
        return features


class CausalTransformer(nn.Module):
    """Article 3.1.1, step 2, with a Transformer: words + positions + image → causal self-attention.

    Parameters
    ----------
    vocabulary : int
        V, number of words.
    width : int
        D of the features.
    layers, heads : int
    context : int
        Width of the vector that is added to every word (an image, say).
    dropout, context_dropout : float
        Inside, and on the context.
    rng : numpy.random.Generator

    Examples
    --------
    >>> import numpy as np
    >>> encoder = CausalTransformer(10, 16, heads=2, context=8, rng=np.random.default_rng(0))
    >>> encoder(np.array([[1, 4, 5]]), np.zeros((1, 8), np.float32)).shape
    (1, 3, 16)
    """

    def __init__(self, vocabulary, width=256, layers=2, heads=4, context=128, dropout=0.0, context_dropout=0.0, *, rng):
        self.embedding = nn.Embedding(vocabulary, width, rng=rng)
        self.start = nn.Linear(context, width, rng=rng)
        self.positions = nn.SinusoidalPositionalEncoding(width)
        self.dropout, self.context_dropout = nn.Dropout(dropout, rng=rng), nn.Dropout(context_dropout, rng=rng)
        layer = [nn.TransformerEncoderLayer(width, heads, 4 * width, dropout, norm_first=True, rng=rng)
                 for _ in range(layers)]
        self.layers = nn.ModuleList(layer)
        self.norm = nn.LayerNorm(width)
        self.width = width

    def forward(self, ids, context):
        """ids (B, T) int, context (B, C) to features (B, T, D)."""
        x = self.embedding(ids) * math.sqrt(self.width)                  # Vaswani et al. (2017), §3.4
        x = self.dropout(self.positions(x) + F.unsqueeze(self.start(self.context_dropout(context)), 1))
        for layer in self.layers:
            x = layer(x, is_causal=True)
        return self.norm(x)
