"""Transformer layers, with the norm before or after each sub-layer, and their stacks.

Submodules have PyTorch's names, so that a state copies over. The batch comes first, and masks are boolean with
True = *may attend*, the opposite of PyTorch's classes of these names.
"""

from functools import partial

from .. import functional as F
from ..autograd import Tensor
from .attention.cache import KeyValueCache, MemoryCache, unchanged_on_error
from .attention.multihead import MultiheadAttention
from .attention.unhidden import as_mask, cleared
from .containers import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .normalization import LayerNorm
from .one_word import can_step, decoder_step, encoder_step

__all__ = ["TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer"]

ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu, "gelu_tanh": partial(F.gelu, approximate="tanh"),
               "quick_gelu": F.quick_gelu}


class _Layer(Module):
    """What the two kinds of layer share: self-attention, the feed-forward network, and the residual connection."""

    def __init__(self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation="relu", layer_norm_eps=1e-5,
                 norm_first=False, *, rng):
        if activation not in ACTIVATIONS:
            raise ValueError(f"{type(self).__name__}: activation is one of {', '.join(map(repr, ACTIVATIONS))}; "
                             f"got {activation!r}")
        self.activation = activation
        self.norm_first = norm_first
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, rng=rng)
        self.linear1 = Linear(d_model, dim_feedforward, rng=rng)
        self.linear2 = Linear(dim_feedforward, d_model, rng=rng)
        self.norm1 = LayerNorm(d_model, layer_norm_eps)
        self.norm2 = LayerNorm(d_model, layer_norm_eps)
        self.dropout = Dropout(dropout, rng=rng)

    def _residual(self, x, norm, sublayer):
        """x + f(LN(x)) if the norm comes first, else LN(x + f(x))."""
        if self.norm_first:
            return x + self.dropout(sublayer(norm(x)))
        return norm(x + self.dropout(sublayer(x)))

    def _feed_forward(self, x):
        """W₂ f(W₁ x + b₁) + b₂."""
        return self.linear2(self.dropout(ACTIVATIONS[self.activation](self.linear1(x))))

    def extra_repr(self):
        return f"activation={self.activation!r}, norm_first={self.norm_first}"


class TransformerEncoderLayer(_Layer):
    r"""Self-attention, then a feed-forward network, each inside a residual connection.

    $$x' = \mathrm{LN}(x + \mathrm{SelfAttention}(x)), \qquad y = \mathrm{LN}(x' + W_2\, f(W_1 x' + b_1) + b_2)$$

    and with `norm_first`

    $$x' = x + \mathrm{SelfAttention}(\mathrm{LN}(x)), \qquad y = x' + W_2\, f(W_1\, \mathrm{LN}(x') + b_1) + b_2$$

    Parameters
    ----------
    d_model, nhead, dim_feedforward : int
        Width D, number of heads, width between $W_1$ and $W_2$.
    dropout : float
        On attention weights, on the activation, and on each sub-layer's result.
    activation : {"relu", "gelu", "gelu_tanh", "quick_gelu"}
        f.
    layer_norm_eps : float
    norm_first : bool
        Pre-norm, which trains without a warm-up, instead of the paper's post-norm.
    rng : numpy.random.Generator
        Draws the weights; kept for dropout.

    References
    ----------
    Vaswani et al. (2017), Attention is all you need, §3.1; Xiong et al. (2020), On layer normalization in the
    Transformer architecture (pre-norm).

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layer = tm.nn.TransformerEncoderLayer(8, 2, 16, rng=np.random.default_rng(0))
    >>> layer(tm.tensor(np.ones((2, 5, 8), np.float32))).shape
    (2, 5, 8)
    """

    def forward(self, src, src_mask=None, src_key_padding_mask=None, is_causal=False, cache=None):
        """src (B, S, D) to the same shape; masks as in `MultiheadAttention`: (S, S) and (B, S), True = may attend.

        NaN and ∞ in padding count as zero.

        With a `cache` (a `KeyValueCache`), src holds the new positions, which follow the kept ones.
        """
        if src_mask is None and src_key_padding_mask is None and can_step(self, src, cache):
            y = encoder_step(self, src.data, cache, ACTIVATIONS[self.activation])
            if y is not None:
                return Tensor(y)

        def attend(x):
            y, _ = self.self_attn(x, x, x, key_padding_mask=src_key_padding_mask, need_weights=False,
                                  attn_mask=src_mask, is_causal=is_causal, cache=cache)
            return y

        x = self._residual(_real(src, src_key_padding_mask), self.norm1, attend)
        return self._residual(x, self.norm2, self._feed_forward)


class TransformerDecoderLayer(_Layer):
    r"""Self-attention, then attention to a memory, then a feed-forward network, each inside a residual connection.

    Parameters and the place of the norm are those of `TransformerEncoderLayer`. The sub-layer in between is
    $\mathrm{MultiHead}(x', m, m)$, m the memory; its parameters are in `multihead_attn`, and it has a norm of its own.

    References
    ----------
    Vaswani et al. (2017), Attention is all you need, §3.1.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layer = tm.nn.TransformerDecoderLayer(8, 2, 16, rng=np.random.default_rng(0))
    >>> words = tm.tensor(np.ones((2, 5, 8), np.float32))
    >>> image = tm.tensor(np.ones((2, 9, 8), np.float32))
    >>> layer(words, image, tgt_is_causal=True).shape
    (2, 5, 8)
    """

    def __init__(self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation="relu", layer_norm_eps=1e-5,
                 norm_first=False, *, rng):
        super().__init__(d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, norm_first, rng=rng)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, rng=rng)
        self.norm3 = LayerNorm(d_model, layer_norm_eps)

    def forward(self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None,
                memory_key_padding_mask=None, tgt_is_causal=False, cache=None):
        """Decode one layer.

        Parameters
        ----------
        tgt : Tensor (B, T, D)
        memory : Tensor (B, S, D), or None if the cache holds it
        tgt_mask, memory_mask : boolean array (T, T), (T, S), optional
            True = may attend.
        tgt_key_padding_mask, memory_key_padding_mask : boolean array (B, T), (B, S), optional
            True where real, False where padding; NaN and ∞ there count as zero.
        tgt_is_causal : bool
            Position t sees 0..t only.
        cache : pair of KeyValueCache and MemoryCache, optional
            One for each of the two attentions. tgt then holds the new positions, which follow the kept ones; the last
            axis of `tgt_mask` and `tgt_key_padding_mask` counts both.

        Returns
        -------
        Tensor (B, T, D)
        """
        if cache is not None and not (isinstance(cache, (tuple, list)) and len(cache) == 2):
            raise ValueError("TransformerDecoderLayer: cache must be a pair, of self-attention and of the memory; "
                             f"got {type(cache).__name__}")
        own_cache, memory_cache = (None, None) if cache is None else cache
        unmasked = tgt_mask is None and memory_mask is None and tgt_key_padding_mask is None
        if unmasked and memory is None and can_step(self, tgt, own_cache, memory_cache, memory_key_padding_mask):
            y = decoder_step(self, tgt.data, own_cache, memory_cache, memory_key_padding_mask,
                             ACTIVATIONS[self.activation])
            if y is not None:
                return Tensor(y)

        def attend_to_itself(x):
            y, _ = self.self_attn(x, x, x, key_padding_mask=tgt_key_padding_mask, need_weights=False,
                                  attn_mask=tgt_mask, is_causal=tgt_is_causal, cache=own_cache)
            return y

        def attend_to_memory(x):
            y, _ = self.multihead_attn(x, memory, memory, key_padding_mask=memory_key_padding_mask,
                                       need_weights=False, attn_mask=memory_mask, cache=memory_cache)
            return y

        with unchanged_on_error(cache):
            x = self._residual(_real(tgt, tgt_key_padding_mask), self.norm1, attend_to_itself)
            x = self._residual(x, self.norm2, attend_to_memory)
            return self._residual(x, self.norm3, self._feed_forward)


class TransformerEncoder(Module):
    """Encoder layers one after the other, and a last norm where they are pre-norm.

    Parameters
    ----------
    layers : iterable of TransformerEncoderLayer
        Each built separately, so that each starts from its own weights.
    norm : Module, optional
        Applied to the result; pre-norm layers want a LayerNorm here.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> encoder = tm.nn.TransformerEncoder([tm.nn.TransformerEncoderLayer(8, 2, 16, rng=rng) for _ in range(3)])
    >>> encoder(tm.tensor(np.ones((2, 5, 8), np.float32))).shape
    (2, 5, 8)
    """

    def __init__(self, layers, norm=None):
        self.layers = ModuleList(layers)
        self.norm = norm

    def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=False, cache=None):
        """src (B, S, D) to the same shape; every layer gets the same masks, and its own entry of `cache`."""
        with unchanged_on_error(cache):
            for layer, layer_cache in zip(self.layers, _cache_of_each(self.layers, cache)):
                src = layer(src, mask, src_key_padding_mask, is_causal=is_causal, cache=layer_cache)
        return src if self.norm is None else self.norm(src)

    def new_cache(self):
        """An empty `KeyValueCache` for each layer, to read causally, position by position."""
        return [KeyValueCache() for _ in self.layers]


class TransformerDecoder(Module):
    """Decoder layers one after the other, all looking at one memory, and a last norm where they are pre-norm.

    Parameters
    ----------
    layers : iterable of TransformerDecoderLayer
        Each built separately, so that each starts from its own weights.
    norm : Module, optional
        Applied to the result; pre-norm layers want a LayerNorm here.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> rng = np.random.default_rng(0)
    >>> decoder = tm.nn.TransformerDecoder([tm.nn.TransformerDecoderLayer(8, 2, 16, rng=rng) for _ in range(3)])
    >>> words = tm.tensor(np.ones((2, 5, 8), np.float32))
    >>> image = tm.tensor(np.ones((2, 9, 8), np.float32))
    >>> decoder(words, image, tgt_is_causal=True).shape
    (2, 5, 8)
    """

    def __init__(self, layers, norm=None):
        self.layers = ModuleList(layers)
        self.norm = norm

    def forward(self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None,
                memory_key_padding_mask=None, tgt_is_causal=False, cache=None):
        """tgt (B, T, D), memory (B, S, D) to (B, T, D);
        arguments as for `TransformerDecoderLayer`, `cache` with an entry for each layer."""
        with unchanged_on_error(cache):
            for layer, layer_cache in zip(self.layers, _cache_of_each(self.layers, cache)):
                tgt = layer(tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask,
                            tgt_is_causal=tgt_is_causal, cache=layer_cache)
        return tgt if self.norm is None else self.norm(tgt)

    def new_cache(self):
        """A pair of empty caches for each layer, to decode word by word.

        Pass the memory with the first word, and None in its place with all others.
        """
        return [(KeyValueCache(), MemoryCache()) for _ in self.layers]


def _real(x, mask):
    """x (B, T, D) `cleared` of its padding; of a mask that counts kept positions too, the last T are meant."""
    mask = as_mask(mask)
    if mask is None or mask.ndim != 2 or mask.dtype != bool or mask.shape[1] < x.shape[1]:
        return x                                                        # no mask, or one that attention will refuse
    mask = mask.data if isinstance(mask, Tensor) else mask
    return cleared(x, mask[:, mask.shape[1] - x.shape[1]:]) if len(mask) == len(x) else x


def _cache_of_each(layers, cache):
    """The entry of `cache` for each layer; None for each if there is no cache."""
    if cache is None:
        return [None] * len(layers)
    if len(cache) != len(layers):
        raise ValueError(f"Transformer: a cache has one entry per layer; got {len(cache)} for {len(layers)} layers")
    return cache
