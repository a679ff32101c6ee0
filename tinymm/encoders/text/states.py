"""How far a reader of a prefix has got: what it keeps, so that the next words can be read without the earlier ones.

`reader.new_state()` makes one; each call `reader(ids, state=state)` advances it in place.
"""

import numpy as np

from ...autograd import Tensor
from ...nn.attention.cache import KeyValueCache
from ...nn.attention.kept import Kept

__all__ = ["LSTMState", "TransformerState"]


class LSTMState:
    """Of a `CausalLSTM`: h and c after the last word.

    Attributes
    ----------
    h, c : Tensor (1, B, D), or None before the first word
    length : int
        Words read so far.
    """

    def __init__(self):
        self.h = self.c = None
        self.length = 0

    @property
    def batch(self):
        """B, once the first words are read."""
        return self.h.shape[1]

    def select(self, rows):
        """Keep these rows of the batch, in this order: int array (B′,)."""
        if self.length:
            self.h, self.c = self.h[:, rows], self.c[:, rows]


class TransformerState:
    """Of a `CausalTransformer`: keys and values of all words so far, and what every word is given beside its vector.

    Parameters
    ----------
    layers : int

    Attributes
    ----------
    caches : list of KeyValueCache
        One for each layer.
    context : Tensor (B, 1, D) or None
        The projected context, which the words to come are given too.
    mask : boolean array (B, length) or None
        Which of the words so far are real; None if all are.
    length : int
        Words read so far: the position of the next one.
    """

    def __init__(self, layers):
        self.caches = [KeyValueCache() for _ in range(layers)]
        self.context = None
        self.length = 0
        self._masks = Kept(axis=1)

    @property
    def batch(self):
        """B, once the first words are read."""
        return len(self.caches[0].key)

    @property
    def mask(self):
        return None if self._masks.tensor is None else self._masks.tensor.data

    def select(self, rows):
        """Keep these rows of the batch, in this order: int array (B′,)."""
        for cache in self.caches:
            cache.select(rows)
        if self.context is not None:
            self.context = self.context[rows]
        self._masks = self._masks.selected(rows)

    def add(self, shape, mask, context):
        """Count B × T more words, `mask` the real ones among them; with the first, the projected context (B, 1, D)."""
        if self.mask is None and mask is not None:
            self._masks = self._masks.extended(Tensor(np.ones((shape[0], self.length), bool)))
        if self.mask is not None:
            self._masks = self._masks.extended(Tensor(np.ones(shape, bool) if mask is None else mask))
        if context is not None:
            self.context = context
        self.length += shape[1]
