"""Multi-head attention: several attentions side by side, each on its own projection of query, key and value."""

import numpy as np

from ... import functional as F
from ...autograd import Tensor
from .. import init
from ..linear import Linear
from ..module import Module
from ..parameter import Parameter
from .cache import unchanged_on_error

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    r"""$\mathrm{MultiHead}(Q, K, V) = [h_1; \dots; h_H] W^O$, $h_i = \mathrm{Attention}(Q W_i^Q, K W_i^K, V W_i^V)$.

    Parameters
    ----------
    embed_dim : int
        D, width of query and result.
    num_heads : int
        H, a divisor of D; each head is D / H wide.
    dropout : float
        Probability of zeroing an attention weight in training.
    bias : bool
        Whether the projections have one.
    kdim, vdim : int, optional
        Widths of key and value; default: D.
    rng : numpy.random.Generator
        Draws the weights (Xavier uniform; biases zero) and, kept, the dropout.

    Attributes
    ----------
    in_proj_weight : Parameter (3 D, D)
        $W^Q, W^K, W^V$ stacked. With another kdim or vdim there are q_proj_weight (D, D), k_proj_weight
        (D, kdim) and v_proj_weight (D, vdim) instead.
    in_proj_bias : Parameter (3 D,) or None
    out_proj : Linear

    Notes
    -----
    The parameters are PyTorch's, so that a state copies over. Two things differ from its class: the batch comes
    always first, and **masks are turned round**: here True means *may attend*, there it means *may not*. A query
    that may attend to nothing gets zero from the heads, where PyTorch with `need_weights` gives NaN.

    References
    ----------
    Vaswani et al. (2017), Attention is all you need, §3.2.2.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> attend = tm.nn.MultiheadAttention(8, 2, rng=np.random.default_rng(0))
    >>> image, words = tm.tensor(np.ones((4, 9, 8))), tm.tensor(np.ones((4, 5, 8)))
    >>> y, weights = attend(words, image, image)
    >>> y.shape, weights.shape
    ((4, 5, 8), (4, 5, 9))
    """

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, kdim=None, vdim=None, *, rng):
        if num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"MultiheadAttention: num_heads must divide embed_dim; got {num_heads} and {embed_dim}")
        if not 0 <= dropout <= 1:
            raise ValueError(f"MultiheadAttention: dropout must lie in [0, 1]; got {dropout}")
        self.num_heads, self.dropout, self.rng = num_heads, dropout, rng
        kdim, vdim = kdim or embed_dim, vdim or embed_dim
        if kdim == vdim == embed_dim:
            self.in_proj_weight = _xavier((3 * embed_dim, embed_dim), rng)
        else:
            self.in_proj_weight = None
            self.q_proj_weight = _xavier((embed_dim, embed_dim), rng)
            self.k_proj_weight = _xavier((embed_dim, kdim), rng)
            self.v_proj_weight = _xavier((embed_dim, vdim), rng)
        self.in_proj_bias = Parameter(np.zeros(3 * embed_dim, np.float32)) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, rng=rng)
        if bias:
            self.out_proj.bias.data[...] = 0

    def forward(self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None,
                average_attn_weights=True, is_causal=False, cache=None):
        """Attend from each query to all keys that the masks allow.

        Parameters
        ----------
        query : Tensor (B, T, D)
        key : Tensor (B, S, kdim)
        value : Tensor (B, S, vdim)
        key_padding_mask : boolean array (B, S), optional
            True where the key is real, False where it is padding.
        need_weights : bool
            Whether to return the weights; without them the faster, fused attention runs.
        attn_mask : boolean array (T, S), (B, T, S) or (B, H, T, S), optional
            True where the query may attend to the key.
        average_attn_weights : bool
            Return the mean of the weights over the heads.
        is_causal : bool
            Query t may attend to keys 0..t only, besides what the masks say.
        cache : KeyValueCache, StreamingCache or MemoryCache, optional
            Keys and values of earlier calls. In self-attention query, key and value are the new positions, which follow
            those that are kept: S, in the masks, counts both, and `is_causal` goes by their places in the whole. Of a
            memory that is kept, key and value are None.

        Returns
        -------
        tuple of (Tensor (B, T, D), Tensor or None)
            The result; the weights, (B, T, S) if averaged, else (B, H, T, S), before dropout.
        """
        with unchanged_on_error(cache):
            q, k, v = self._heads(query, key, value, cache)
            mask = _merged_mask(attn_mask, key_padding_mask, is_causal, (*q.shape[:3], k.shape[2]), cache is not None)
        options = dict(dropout_p=self.dropout if self.training else 0.0,
                       is_causal=is_causal and mask is None, rng=self.rng)
        if need_weights:
            y, weights = F.attention(q, k, v, mask, **options)
            weights = weights.mean(axis=1) if average_attn_weights else weights
        else:
            y, weights = F.scaled_dot_product_attention(q, k, v, mask, **options), None
        batch, heads, length, width = y.shape
        y = y.transpose(1, 2).reshape(batch, length, heads * width)  # (B, T, D)
        return self.out_proj(y), weights

    def _heads(self, query, key, value, cache):
        """Q (B, H, T, D/H), K and V (B, H, S, D/H), those that the cache keeps among them."""
        if key is not None:
            q, k, v = (self._split_heads(x) for x in self._project(query, key, value))
            return (q, k, v) if cache is None else (q, *cache.extend(k, v))
        if value is not None or getattr(cache, "key", None) is None:
            raise ValueError("MultiheadAttention: key and value may be None, both, if a cache already holds them")
        q, = (self._split_heads(x) for x in self._project(query))
        if len(q) != len(cache.key):
            raise ValueError(f"MultiheadAttention: the cache holds a batch of {len(cache.key)}; "
                             f"got queries {query.shape}")
        return q, cache.key, cache.value

    def _project(self, *inputs):
        """Of query, key and value, or of the query alone, their projections, each (B, T or S, D)."""
        width = self.out_proj.weight.shape[0]
        if self.in_proj_weight is None:
            weights = self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        else:
            weights = F.split(self.in_proj_weight, width)
        for name, x, weight in zip(("query", "key", "value"), inputs, weights):
            if x.ndim != 3 or x.shape[-1] != weight.shape[-1]:
                raise ValueError(f"MultiheadAttention: {name} must be (batch, length, {weight.shape[-1]}); "
                                 f"got {x.shape}")
        query, key, value = inputs if len(inputs) == 3 else inputs * 3
        if key.shape[:2] != value.shape[:2] or key.shape[0] != query.shape[0]:
            raise ValueError("MultiheadAttention: query, key and value share the batch, key and value the length; "
                             f"got {query.shape}, {key.shape} and {value.shape}")
        biases = (None, None, None) if self.in_proj_bias is None else F.split(self.in_proj_bias, width)
        return [F.linear(x, weight, bias) for x, weight, bias in zip(inputs, weights, biases)]

    def _split_heads(self, x):
        batch, length, width = x.shape
        return x.reshape(batch, length, self.num_heads, width // self.num_heads).transpose(1, 2)  # (B, H, T, D/H)

    def extra_repr(self):
        return f"embed_dim={self.out_proj.weight.shape[0]}, num_heads={self.num_heads}, dropout={self.dropout}"


def _merged_mask(attn_mask, key_padding_mask, is_causal, scores, cached=False):
    """One boolean mask that broadcasts to the scores' shape (B, H, T, S), or None if it is at most causal.

    `cached`: the queries are the last T of the S positions, not the first.
    """
    batch, heads, length, keys = scores
    mask = _checked("attn_mask", attn_mask, [(length, keys), (batch, length, keys), (batch, heads, length, keys)])
    padding = _checked("key_padding_mask", key_padding_mask, [(batch, keys)])
    if mask is not None and mask.ndim == 3:
        mask = mask[:, None]  # (B, 1, T, S)
    if padding is not None:
        padding = padding[:, None, None]  # (B, 1, 1, S)
        mask = padding if mask is None else mask & padding
    if is_causal and (mask is not None or cached):
        causal = np.tri(length, keys, keys - length if cached else 0, dtype=bool)
        mask = causal if mask is None else mask & causal
    return mask


def _checked(name, mask, shapes):
    if mask is None:
        return None
    mask = mask.data if isinstance(mask, Tensor) else np.asarray(mask)
    if mask.dtype != bool or mask.shape not in shapes:
        allowed = " or ".join(map(str, shapes))
        raise ValueError(f"MultiheadAttention: {name} is boolean, True = may attend, of shape {allowed}; "
                         f"got {mask.dtype} {mask.shape}")
    return mask


def _xavier(shape, rng):
    return init.xavier_uniform_(Parameter(np.empty(shape, np.float32)), rng=rng)
