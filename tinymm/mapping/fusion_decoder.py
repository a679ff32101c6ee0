"""A decoder by fusion (article 3.1.1): a causal reader of the words said so far, a causal fusion with what was encoded.

Any reader and any fusion will do that let position t see no later word: an LSTM or a Transformer, attention or another.
"""

import numpy as np

from .. import nn
from ..encoders.encoded import selected
from ..nn.attention.cache import unchanged_on_error
from ..nn.attention.kept import Kept

__all__ = ["CaptionState", "FusionDecoder"]


class FusionDecoder(nn.Module):
    """Prefix → LSTM or Transformer features; a fusion of these with what was encoded → the next words.

    Parameters
    ----------
    text_encoder : Module
        ids (B, T), context (B, P) → `Encoded`, sequence (B, T, Dt).
    fusion : Module
        (text, encoded) → `Fused`, features (B, T, D). It must be `causal`: position t predicts word t + 1, which it
        must not reach.
    vocabulary : int
        V, number of words.
    dropout : float
        Before the words are chosen.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If the fusion is not causal.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> decoder = FusionDecoder(tm.encoders.CausalLSTM(10, 12, context=16, rng=rng),
    ...                         tm.fusion.AttentionFusion({"text": 12, "sound": 16}, 8, rng=rng), 10, rng=rng)
    >>> sound = tm.encoders.WhisperEncoder(40, 16, layers=1, rng=rng)(np.zeros((2, 9, 40), np.float32))
    >>> logits, weights = decoder.decode(sound, np.array([[1, 4, 5], [1, 6, 2]]))
    >>> logits.shape, weights.shape
    ((2, 3, 10), (2, 1, 3, 5))
    """

    def __init__(self, text_encoder, fusion, vocabulary, dropout=0.0, *, rng):
        name = type(self).__name__
        if not getattr(fusion, "causal", False):
            raise ValueError(f"{name}: the fusion must be causal, or a caption reaches its own prediction; "
                             f"got {type(fusion).__name__}")
        self.text_encoder = text_encoder
        self.fusion = fusion
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.words = nn.Linear(fusion.width, vocabulary, rng=rng)

    def decode(self, encoded, ids):
        """What was encoded, with a row for each text, and ids (B, T) int
        to logits (B, T, V) and what the fusion shows: weights (B, H, T, N)."""
        text = self.text_encoder(ids, context=encoded.pooled)
        fused = self.fusion((text.sequence, encoded.sequence), (None, encoded.mask))
        return self.words(self.dropout(fused.features)), fused.weights

    def new_state(self, encoded):
        """A `CaptionState` before the first word; encoded has a row for each text."""
        cache = self.fusion.new_cache() if hasattr(self.fusion, "new_cache") else None
        return CaptionState(encoded, self.text_encoder.new_state(), cache)

    def read_on(self, ids, state):
        """The next words (B, t) of texts whose `CaptionState` keeps the earlier ones, to logits (B, t, V).

        A call that fails leaves the state as it was.
        """
        with unchanged_on_error([state, state.text, getattr(state.text, "caches", None), state.cache]):
            return self._read_on(ids, state)

    def _read_on(self, ids, state):
        context = None if state.text.length else state.image.pooled
        text = self.text_encoder(ids, context=context, state=state.text).sequence        # (B, t, Dt)
        masks = None, state.image.mask
        if state.cache is not None:
            features = self.fusion((text, state.image.sequence), masks, cache=state.cache).features
        else:
            state.features = state.features.extended(text)
            fused = self.fusion((state.features.tensor, state.image.sequence), masks)
            features = fused.features[:, -ids.shape[1]:]
        return self.words(self.dropout(features))


class CaptionState:
    """What a `FusionDecoder` keeps between the words of some texts, so that each word is read once.

    Attributes
    ----------
    image : Encoded
        What was encoded, an image or a sound, with a row for each text.
    text : state of the text encoder
    cache : MemoryCache or None
        Of the fusion: a fusion with `new_cache` is given the new words only.
    features : Kept
        Of all words so far, (B, t, Dt), for a fusion without: any causal one is right when it sees the whole prefix.
    """

    def __init__(self, image, text, cache):
        self.image, self.text, self.cache = image, text, cache
        self.features = Kept(axis=1)

    def select(self, rows):
        """Keep these captions, in this order: int array (B′,)."""
        if len(rows) == len(self.image.pooled) and (rows == np.arange(len(rows))).all():
            return                                                       # nothing closed, nothing to copy
        self.image = selected(self.image, rows)
        self.text.select(rows)
        if self.cache is not None:
            self.cache.select(rows)
        self.features = self.features.selected(rows)
