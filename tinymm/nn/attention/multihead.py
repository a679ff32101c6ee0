"""Multi-head attention: several attentions side by side, each on its own projection of query, key and value."""

import numpy as np

from ... import functional as F
from ...autograd import Tensor
from .. import init
from ..linear import Linear
from ..module import Module
from ..parameter import Parameter
from .cache import KeyValueCache, unchanged_on_error
from .unhidden import unhidden

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
        Whether the projections have a bias.
    kdim, vdim : int, optional
        Widths of key and value; default: D.
    rng : numpy.random.Generator
        Draws the weights (Xavier uniform; biases are zero); kept for dropout.

    Attributes
    ----------
    in_proj_weight : Parameter (3 D, D)
        $W^Q, W^K, W^V$ stacked. With another kdim or vdim there are q_proj_weight (D, D), k_proj_weight
        (D, kdim) and v_proj_weight (D, vdim) instead.
    in_proj_bias : Parameter (3 D,) or None
    out_proj : Linear

    Notes
    -----
    The parameters are PyTorch's, so that a state copies over. Two things differ from its class: the batch always
    comes first, and **masks mean the opposite**: here True is *may attend*, there it is *may not*. A query that may
    attend to nothing gets zero from the heads, where PyTorch with `need_weights` gives NaN.

    References
    ----------
    Vaswani et al. (2017), Attention is all you need, §3.2.2.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> attend = tm.nn.MultiheadAttention(8, 2, rng=np.random.default_rng(0))
    >>> image = tm.tensor(np.ones((4, 9, 8)))
    >>> words = tm.tensor(np.ones((4, 5, 8)))
    >>> y, weights = attend(words, image, image)
    >>> y.shape, weights.shape
    ((4, 5, 8), (4, 5, 9))
    """

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, kdim=None, vdim=None, *, rng):
        if num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"MultiheadAttention: num_heads must divide embed_dim; got {num_heads} and {embed_dim}")
        if not 0 <= dropout <= 1:
            raise ValueError(f"MultiheadAttention: dropout must lie in [0, 1]; got {dropout}")
        self.num_heads = num_heads
        self.dropout = dropout
        self.rng = rng
        kdim = kdim or embed_dim
        vdim = vdim or embed_dim
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
            Query t may attend to keys 0..t only; the masks may hide more.
        cache : KeyValueCache, StreamingCache or MemoryCache, optional
            Keys and values of earlier calls. In self-attention query, key and value are then the new positions, which
            follow the kept ones: in the masks S counts both, and `is_causal` compares positions in the whole sequence.
            Once a `MemoryCache` is filled, pass None for key and value; queries count from 0, as without a cache.

        Returns
        -------
        tuple of (Tensor (B, T, D), Tensor or None)
            The result; the weights, (B, T, S) if averaged, else (B, H, T, S), before dropout.
        """
        follows = isinstance(cache, KeyValueCache)                   # the queries are the last T of S positions
        with unchanged_on_error(cache):
            q, k, v = self._heads(query, key, value, cache)
            scores_shape = (*q.shape[:3], k.shape[2])                # (B, H, T, S)
            mask = _merged_mask(attn_mask, key_padding_mask, is_causal, scores_shape, follows)
        if mask is not None and cache is None and not all(np.isfinite(a.data).all() for a in (q, k, v)):
            q, k, v = self._heads(*unhidden(query, key, value, mask.any(1)), None)  # or projections get 0 · NaN
        options = {"dropout_p": self.dropout if self.training else 0.0, "rng": self.rng,
                   "is_causal": is_causal and mask is None and not follows}  # a mask already holds the causal one
        weights = None
        if need_weights:
            y, weights = F.attention(q, k, v, mask, **options)
            weights = weights.mean(axis=1) if average_attn_weights else weights
        else:
            y = F.scaled_dot_product_attention(q, k, v, mask, **options)
        batch, heads, length, width = y.shape
        y = y.transpose(1, 2).reshape(batch, length, heads * width)  # (B, T, D)
        return self.out_proj(y), weights

    def _heads(self, query, key, value, cache):
        """Q (B, H, T, D/H), K and V (B, H, S, D/H); S counts the positions in the cache too."""
        if key is not None:
            q, k, v = map(self._split_heads, self._project(query, key, value))
            if cache is not None:
                k, v = cache.extend(k, v)
            return q, k, v
        if value is not None or getattr(cache, "key", None) is None:
            raise ValueError("MultiheadAttention: key and value may be None, both, if a cache already holds them")
        (q,) = map(self._split_heads, self._project(query))
        if len(q) != len(cache.key):
            raise ValueError(f"MultiheadAttention: the cache holds a batch of {len(cache.key)}; "
                             f"got queries {query.shape}")
        return q, cache.key, cache.value

    def _project(self, *inputs):
        """The projections of query, key and value, or of the query alone: a list of (B, T, D) or (B, S, D)."""
        width = self.out_proj.weight.shape[0]
        if self.in_proj_weight is None:
            weights = self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        else:
            weights = F.split(self.in_proj_weight, width)
        for name, x, weight in zip(("query", "key", "value"), inputs, weights):
            if x.ndim != 3 or x.shape[-1] != weight.shape[-1]:
                raise ValueError(f"MultiheadAttention: {name} must be (batch, length, {weight.shape[-1]}); "
                                 f"got {x.shape}")
        if len(inputs) == 3:
            query, key, value = inputs
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


def _merged_mask(attn_mask, key_padding_mask, is_causal, scores_shape, follows=False):
    """One boolean mask that broadcasts to the scores (B, H, T, S).

    None if nothing is hidden, or if there is only the causal mask and the queries are the first T of the S positions:
    the attention ops apply that themselves. `follows`: they are the last T. The last one alone sees everything.
    """
    batch, heads, length, keys = scores_shape
    mask = _checked("attn_mask", attn_mask, [(length, keys), (batch, length, keys), (batch, heads, length, keys)])
    padding = _checked("key_padding_mask", key_padding_mask, [(batch, keys)])
    if mask is not None and mask.ndim == 3:
        mask = mask[:, None]  # (B, 1, T, S)
    if padding is not None:
        padding = padding[:, None, None]  # (B, 1, 1, S)
        mask = padding if mask is None else mask & padding
    if is_causal and (length > 1 if follows else mask is not None):
        first = keys - length if follows else 0                     # position of the first query
        causal = np.tri(length, keys, first, dtype=bool)
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
