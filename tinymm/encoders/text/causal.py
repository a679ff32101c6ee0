"""Text prefixes to feature sequences: position t has seen the words up to t and none after it.

Both readers are called alike, `reader(ids, mask=None, *, context=None, state=None)`. A context, an image say, is what
the text is read in view of. With a state, `reader.new_state()`, a call reads on where the last one stopped: decoding
reads each word once.
"""

import math

import numpy as np

from ... import functional as F
from ... import nn
from ...nn.attention.cache import unchanged_on_error
from ..encoded import Encoded, checked_mask, zero_hidden
from .states import LSTMState, TransformerState

__all__ = ["CausalLSTM", "CausalTransformer"]


class CausalLSTM(nn.Module):
    r"""Article 3.1.1, step 2, recurrent: words → embedding → LSTM → one feature per prefix.

    $$ h_0 = \tanh(W_h g + b_h), \quad c_0 = W_c g + b_c, \qquad h_t, c_t = \mathrm{LSTM}(E_{w_t}, h_{t-1}, c_{t-1}) $$

    with g the context; without one, $h_0 = c_0 = 0$.

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

    Attributes
    ----------
    width, pooled_width : int
        D.

    Examples
    --------
    >>> import numpy as np
    >>> reader = CausalLSTM(10, 16, context=8, rng=np.random.default_rng(0))
    >>> reader(np.array([[1, 4, 5]]), context=np.zeros((1, 8), np.float32)).sequence.shape
    (1, 3, 16)
    """

    def __init__(self, vocabulary, width=256, embedding=128, context=128, dropout=0.0, context_dropout=0.0, *, rng):
        self.embedding = nn.Embedding(vocabulary, embedding, rng=rng)
        self.start = nn.Linear(context, 2 * width, rng=rng)
        self.lstm = nn.LSTM(embedding, width, rng=rng)
        self.dropout, self.context_dropout = nn.Dropout(dropout, rng=rng), nn.Dropout(context_dropout, rng=rng)
        self.width = self.pooled_width = width

    def forward(self, ids, mask=None, *, context=None, state=None):
        """Read the first words of texts, or those that follow.

        Parameters
        ----------
        ids : int array (B, T)
        mask : boolean array (B, T), optional
            True where there is a word; the others leave the state as it is. Default: everywhere.
        context : Tensor (B, C), optional
            What the state starts from; given with the first words only.
        state : LSTMState, optional
            Where the reading stopped; moved on by these words.

        Returns
        -------
        Encoded
            A feature for each prefix (B, T, D); that of the last real word among these (B, D), 0 if there is none.

        Raises
        ------
        ValueError
            If shapes disagree, the mask is not boolean, or a context comes with later words.
        """
        mask = _checked("CausalLSTM", ids, mask, context, state)
        if state is not None and state.length:
            before = state.h, state.c
        else:
            before = None if context is None else self._first_state(context)
        x = self.dropout(zero_hidden(self.embedding(ids), mask))         # (B, T, E)
        features, after = self.lstm(x, before, mask)
        if state is not None:                                            # last: a call that fails leaves it as it was
            state.h, state.c = after
            state.length += ids.shape[1]
        return Encoded(features, _last(features, mask), mask)

    def _first_state(self, context):
        """h₀ and c₀, (1, B, D) each: of one layer."""
        h, c = F.split(self.start(self.context_dropout(context)), self.width, -1)
        return F.unsqueeze(F.tanh(h), 0), F.unsqueeze(c, 0)

    def new_state(self):
        """The state before the first word."""
        return LSTMState()


class CausalTransformer(nn.Module):
    r"""Article 3.1.1, step 2, with a Transformer: words + positions + context → causal self-attention.

    $$ x_t = \sqrt D\, E_{w_t} + \mathrm{PE}_t + W g + b, \qquad
       h = \mathrm{LN}(\mathrm{Transformer}_{\text{causal}}(x)) $$

    with g the context; without one, $W g + b$ is left out.

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

    Attributes
    ----------
    width, pooled_width : int
        D.

    Examples
    --------
    >>> import numpy as np
    >>> reader = CausalTransformer(10, 16, heads=2, context=8, rng=np.random.default_rng(0))
    >>> reader(np.array([[1, 4, 5]]), context=np.zeros((1, 8), np.float32)).sequence.shape
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
        self.width = self.pooled_width = width

    def forward(self, ids, mask=None, *, context=None, state=None):
        """Read the first words of texts, or those that follow.

        Parameters
        ----------
        ids : int array (B, T)
        mask : boolean array (B, T), optional
            True where there is a word; no word looks at the others. Default: everywhere.
        context : Tensor (B, C), optional
            What is added to every word, to later ones too; given with the first words only.
        state : TransformerState, optional
            Where the reading stopped; moved on by these words.

        Returns
        -------
        Encoded
            A feature for each prefix (B, T, D); that of the last real word among these (B, D), 0 if there is none.

        Raises
        ------
        ValueError
            If shapes disagree, the mask is not boolean, or a context comes with later words.
        """
        mask = _checked("CausalTransformer", ids, mask, context, state)
        if context is not None:
            context = F.unsqueeze(self.start(self.context_dropout(context)), 1)            # (B, 1, D)
        x = zero_hidden(self.embedding(ids), mask) * math.sqrt(self.width)                 # Vaswani et al. (2017), §3.4
        if state is None:
            features = self._transformed(self.positions(x), context, mask, [None] * len(self.layers))
        else:
            with unchanged_on_error([state, state.caches]):
                x = self.positions(x, offset=state.length)
                state.add(ids.shape, mask, context)
                features = self._transformed(x, state.context, state.mask, state.caches)
        features = zero_hidden(features, mask)                                             # (B, T, D)
        return Encoded(features, _last(features, mask), mask)

    def _transformed(self, x, context, mask, caches):
        """Words with their places (B, T, D) to features; the mask (B, S) is of all words, those in the caches too."""
        x = self.dropout(x if context is None else x + context)
        for layer, cache in zip(self.layers, caches):
            x = layer(x, src_key_padding_mask=mask, is_causal=True, cache=cache)
        return self.norm(x)

    def new_state(self):
        """The state before the first word."""
        return TransformerState(len(self.layers))


def _checked(name, ids, mask, context, state):
    """The mask, once the arguments are found right."""
    if ids.ndim != 2 or ids.shape[1] < 1:
        raise ValueError(f"{name}: ids must be (B, T) with at least one word; got {ids.shape}")
    if getattr(mask, "dtype", np.dtype(bool)).kind == "f":
        raise ValueError(f"{name}: a context is passed by name, reader(ids, mask, context=...), "
                         f"and the second argument is the mask; got {mask.dtype} {mask.shape}")
    if context is not None and len(context) != len(ids):
        raise ValueError(f"{name}: texts and contexts must be as many; got {len(ids)} and {len(context)}")
    if state is not None and state.length:
        if context is not None:
            raise ValueError(f"{name}: a context is given with the first words only; "
                             f"got one after {state.length} words")
        if state.batch != len(ids):
            raise ValueError(f"{name}: the state is of {state.batch} texts; got words of {len(ids)}")
    return checked_mask(name, mask, ids.shape)


def _last(features, mask):
    """Of each row of features (B, T, D) the last real one: (B, D)."""
    if mask is None:
        return features[:, -1]
    last = mask.shape[1] - 1 - mask[:, ::-1].argmax(1)                   # where none is real: the last, which is zero
    return features[np.arange(len(mask)), last]
