r"""Self-attention as present-day decoders use it: few heads of keys and values, positions as rotations, a cache."""

import numpy as np

from ... import functional as F
from ..linear import Linear
from ..module import Module
from .cache import unchanged_on_error
from .unhidden import as_mask

__all__ = ["GroupedQueryAttention"]


class GroupedQueryAttention(Module):
    r"""$y = [h_1; \dots; h_H] W_o$, $h_i = \mathrm{Attention}(R\, x W_q^i,\; R\, x W_k^j,\; x W_v^j)$,
    $j = \lfloor i\,G / H \rfloor$, heads counted from 0.

    Parameters
    ----------
    embed_dim : int
        D.
    num_heads : int
        H, a divisor of D.
    num_key_heads : int
        G, the number of groups, a divisor of H: H groups are multi-head attention, 1 is multi-query attention.
    rotary : callable, optional
        R, called with queries or keys (B, H, T, D/H) and positions (T,): `functional.rotary_interleaved` or
        `functional.rotary_half_split`. Default: no rotation.
    bias : bool
        Whether the projections have a bias.
    rng : numpy.random.Generator

    Attributes
    ----------
    q_proj, k_proj, v_proj, o_proj : Linear

    References
    ----------
    Ainslie et al. (2023), GQA: training generalized multi-query Transformer models from multi-head checkpoints, §2.2.

    Examples
    --------
    >>> import numpy as np, tinymm as tm, tinymm.functional as F
    >>> rng = np.random.default_rng(0)
    >>> attend = tm.nn.GroupedQueryAttention(16, 4, 2, F.rotary_half_split, rng=rng)
    >>> x = tm.tensor(rng.normal(size=(1, 5, 16)).astype(np.float32))
    >>> cache = tm.nn.KeyValueCache()
    >>> steps = [attend(x[:, t:t + 1], cache=cache) for t in range(5)]
    >>> bool(np.allclose(F.concatenate(steps, 1).data, attend(x, is_causal=True).data, atol=1e-6)), cache.key.shape
    (True, (1, 2, 5, 4))
    """

    def __init__(self, embed_dim, num_heads, num_key_heads, rotary=None, bias=False, *, rng):
        if num_heads < 1 or num_key_heads < 1 or embed_dim % num_heads or num_heads % num_key_heads:
            raise ValueError("GroupedQueryAttention: num_heads must divide embed_dim, and num_key_heads num_heads; "
                             f"got {embed_dim}, {num_heads} and {num_key_heads}")
        self.num_heads = num_heads
        self.num_key_heads = num_key_heads
        self.rotary = rotary
        width = num_key_heads * (embed_dim // num_heads)
        self.q_proj = Linear(embed_dim, embed_dim, bias, rng=rng)
        self.k_proj = Linear(embed_dim, width, bias, rng=rng)
        self.v_proj = Linear(embed_dim, width, bias, rng=rng)
        self.o_proj = Linear(embed_dim, embed_dim, bias, rng=rng)

    def forward(self, x, attn_mask=None, is_causal=False, cache=None):
        """x (B, T, D) to the same shape.

        Parameters
        ----------
        x : Tensor (B, T, D)
            With a cache: the new positions, which follow the kept ones.
        attn_mask : boolean array that broadcasts to (B, H, T, S), optional
            True = may attend; S counts the positions in the cache too.
        is_causal : bool
            Each position sees itself and those before it only; the mask may hide more.
        cache : KeyValueCache or StreamingCache, optional

        Returns
        -------
        Tensor (B, T, D)

        Raises
        ------
        ValueError
            If x has another shape, or the mask is not boolean or does not fit; the cache then stays as it was.
        """
        if x.ndim != 3 or x.shape[-1] != self.q_proj.weight.shape[1]:
            raise ValueError(f"GroupedQueryAttention: x must be (batch, length, {self.q_proj.weight.shape[1]}); "
                             f"got {x.shape}")
        attn_mask = as_mask(attn_mask)
        if attn_mask is not None and attn_mask.dtype != bool:
            raise ValueError(f"GroupedQueryAttention: the mask is boolean, True = may attend; got {attn_mask.dtype}")
        batch, length, width = x.shape
        q = self._split_heads(self.q_proj(x))                                   # (B, H, T, d)
        k = self._split_heads(self.k_proj(x))                                   # (B, G, T, d)
        v = self._split_heads(self.v_proj(x))
        if self.rotary is not None:
            first = 0 if cache is None else cache.length
            positions = first + np.arange(length)
            q = self.rotary(q, positions)
            k = self.rotary(k, positions)
        with unchanged_on_error(cache):
            if cache is not None:
                k, v = cache.extend(k, v)                                       # (B, G, S, d)
            if is_causal and length > 1:                                        # the last one alone sees all
                keys = k.shape[2]
                causal = F.sliding_window_mask(length, keys, before=keys, offset=keys - length)
                attn_mask = causal if attn_mask is None else attn_mask & causal
            y = F.scaled_dot_product_attention(q, k, v, attn_mask, enable_gqa=True)
        return self.o_proj(y.transpose(1, 2).reshape(batch, length, width))

    def _split_heads(self, x):
        batch, length, width = x.shape
        head_width = self.q_proj.weight.shape[0] // self.num_heads              # d = D / H
        return x.reshape(batch, length, width // head_width, head_width).transpose(1, 2)  # (B, H or G, T, d)

    def extra_repr(self):
        rotary = "" if self.rotary is None else f", rotary={self.rotary.__name__}"
        return f"{self.q_proj.weight.shape[1]}, num_heads={self.num_heads}, num_key_heads={self.num_key_heads}{rotary}"
