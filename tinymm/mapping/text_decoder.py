"""A Transformer decoder, as Whisper's: in every layer the words look at themselves, then at what was encoded."""

import numpy as np

from .. import functional as F
from .. import nn
from ..encoders.encoded import selected
from ..nn.attention.cache import unchanged_on_error
from ..nn.inspect import record_attention

__all__ = ["TextDecoder", "TextState"]


class TextDecoder(nn.Module):
    r"""Words + learned positions → pre-norm blocks with cross-attention → scores by the words' own vectors.

    $$ x_t = E_{w_t} + P_t, \qquad h = \mathrm{LN}(\mathrm{Decoder}_{\text{causal}}(x, m)), \qquad
       \mathrm{logits}_t = E\, h_t $$

    m is what was encoded. E is both the table that words are read from and the matrix that scores them (tied).

    Parameters
    ----------
    vocabulary : int
        V, number of words.
    width : int
        D; of what was encoded too, unless `memory_width` says another.
    layers, heads : int
    positions : int
        The longest text, its first word included.
    memory_width : int, optional
        Width of what is looked at; if it is not D, a linear map brings it there.
    dropout : float
    rng : numpy.random.Generator

    References
    ----------
    Radford et al. (2022), Robust speech recognition via large-scale weak supervision, §2.2; Press and Wolf (2017),
    Using the output embedding to improve language models (tied embeddings).

    Examples
    --------
    >>> import tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> decoder = TextDecoder(10, 16, layers=1, heads=2, positions=8, rng=rng)
    >>> sound = tm.encoders.WhisperEncoder(40, 16, layers=1, rng=rng)(np.zeros((2, 9, 40), np.float32))
    >>> logits, _ = decoder.decode(sound, np.array([[1, 4, 5], [1, 6, 2]]))
    >>> logits.shape
    (2, 3, 10)
    """

    def __init__(self, vocabulary, width=128, layers=2, heads=4, positions=64, memory_width=None, dropout=0.0, *, rng):
        self.embedding = nn.Embedding(vocabulary, width, rng=rng)
        self.embedding.weight.data *= width**-0.5                        # then scores of a normalised h have variance 1
        self.positions = nn.LearnedPositionalEncoding(positions, width, rng=rng)
        self.memory = None if memory_width in (None, width) else nn.Linear(memory_width, width, rng=rng)
        self.dropout = nn.Dropout(dropout, rng=rng)
        stack = [nn.TransformerDecoderLayer(width, heads, 4 * width, dropout, "gelu", norm_first=True, rng=rng)
                 for _ in range(layers)]
        self.transformer = nn.TransformerDecoder(stack, nn.LayerNorm(width))

    @property
    def longest(self):
        """Positions: words of the longest text, the first included."""
        return len(self.positions.weight)

    def decode(self, encoded, ids):
        """What was encoded, with a row for each text, and ids (B, T) int to logits (B, T, V), and None:
        where the words looked, `looks` tells."""
        x = self.dropout(self.positions(self.embedding(ids)))            # (B, T, D)
        x = self.transformer(x, self._memory(encoded), memory_key_padding_mask=encoded.mask, tgt_is_causal=True)
        return self._scores(x), None

    def looks(self, encoded, ids):
        """Where each position of ids (B, T) looked in what was encoded: shares, ndarray (B, T, N), the mean over layers
        and heads."""
        with record_attention(self.transformer) as maps:
            self.decode(encoded, ids)
        return np.mean([maps[name][0].mean(1) for name in maps if name.endswith("multihead_attn")], 0)

    def new_state(self, encoded):
        """A `TextState` before the first word; encoded has a row for each text."""
        return TextState(encoded, self.transformer.new_cache())

    def read_on(self, ids, state):
        """The next words (B, t) of texts whose `TextState` keeps the earlier ones, to logits (B, t, V).

        A call that fails leaves the state as it was.
        """
        with unchanged_on_error(state.caches):
            memory = None if state.length else self._memory(state.encoded)
            x = self.dropout(self.positions(self.embedding(ids), offset=state.length))
            x = self.transformer(x, memory, memory_key_padding_mask=state.encoded.mask, tgt_is_causal=True,
                                 cache=state.caches)
            return self._scores(x)

    def _memory(self, encoded):
        return encoded.sequence if self.memory is None else self.memory(encoded.sequence)

    def _scores(self, x):
        """E h: F.linear multiplies by the transposed weight."""
        return F.linear(x, self.embedding.weight)


class TextState:
    """What a `TextDecoder` keeps between the words of some texts, so that each word is read once.

    Attributes
    ----------
    encoded : Encoded
        A row for each text; projected once, at the first words.
    caches : list of (KeyValueCache, MemoryCache)
        A pair for each layer.
    """

    def __init__(self, encoded, caches):
        self.encoded, self.caches = encoded, caches

    @property
    def length(self):
        """Words read so far: the position of the next one."""
        return self.caches[0][0].length

    def select(self, rows):
        """Keep these texts, in this order: int array (B′,)."""
        if len(rows) == len(self.encoded.pooled) and (rows == np.arange(len(rows))).all():
            return                                                       # nothing closed, nothing to copy
        self.encoded = selected(self.encoded, rows)
        for pair in self.caches:
            for cache in pair:
                cache.select(rows)
