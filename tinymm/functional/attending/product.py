"""Scaled dot-product attention, one function in three forms: explicit, fused, tiled. Here the fastest is chosen."""

import math
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Real

import numpy as np

from ...autograd import Tensor, is_grad_enabled
from .fused import fused_attention
from .heads import checked
from .powers import E, base_for
from .steps import attention, grouped, ungrouped
from .tiled import tiled_attention

__all__ = ["attention_memory", "scaled_dot_product_attention"]

LARGE = 768 * 768  # from this many scores T·S on, tiles are faster than whole matrices
_memory = ContextVar("bytes of exponentials that a call of attention may keep", default=256 * 2**20)


@contextmanager
def attention_memory(limit):
    """How many bytes of exponentials a call of attention with many scores may keep for its gradient; what needs more is
    done in tiles, which keep none and make them twice.

    It matters where NumPy makes powers of e slowly, as with AVX2; with AVX-512 tiles are as fast, and always taken.

    Parameters
    ----------
    limit : int or float
        Bytes; 256 MB where nothing is said. With 0, memory grows with the length and never with its square.

    Raises
    ------
    ValueError
        If the limit is no number, or negative.

    Examples
    --------
    >>> import numpy as np, tinymm as tm, tinymm.functional as F
    >>> x = tm.tensor(np.ones((1024, 4), np.float32), requires_grad=True)
    >>> with F.attention_memory(0):
    ...     F.scaled_dot_product_attention(x, x, x)._node.op.name
    'tiled_attention'
    """
    if not isinstance(limit, Real) or not limit >= 0:
        raise ValueError(f"attention_memory: the limit must be a number of bytes, 0 or more; got {limit!r}")
    before = _memory.set(limit)
    try:
        yield
    finally:
        _memory.reset(before)


def scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None,
                                 enable_gqa=False, rng=None):
    r"""Attention in whichever form is fastest: $c = \operatorname{softmax}(q k^\top / \sqrt{D})\, v$.

    Explicit steps if weights are dropped; else the fused form, which keeps its exponentials if a gradient will need
    them. From 768 × 768 scores per head on, tiles, unless exponentials are worth keeping: on processors on which they
    are slow to make twice, within the memory that `attention_memory` allows, and without a mask, since tiles pass over
    what it hides. A mask that needs a gradient has the fused form.

    Parameters
    ----------
    query : Tensor or ndarray, (..., T, D)
    key : Tensor or ndarray, (..., S, D)
    value : Tensor or ndarray, (..., S, E)
    attn_mask : ndarray or Tensor, optional
        Broadcasts to (..., T, S). Boolean: True = may attend. Floating: added to the scores.
    dropout_p : float
        Probability with which a weight is dropped. There is no training switch: pass 0 to evaluate.
    is_causal : bool
        Query t attends to keys 0 to t; excludes `attn_mask`.
    scale : float, optional
        In place of $1/\sqrt{D}$.
    enable_gqa : bool
        Grouped queries: key and value have fewer heads (axis -3) than the query; each serves a group of neighbours.
    rng : numpy.random.Generator, optional
        Required if `dropout_p` is positive.

    Returns
    -------
    Tensor
        (..., T, E). Zero where a query may attend to nothing.

    Raises
    ------
    ValueError
        If shapes disagree, the mask has the wrong dtype, or two masks are given.

    Notes
    -----
    The forms are functions too: `explicit_attention`, `fused_attention`, `tiled_attention`. Memory beside inputs and
    result: several (..., T, S), one, none.

    The fused and the tiled form divide by the sum of a row at the end, instead of each weight: beside large scores,
    float32 values beyond 1e25 or below 1e-25 can overflow or underflow where the explicit form's do not. Unlike in
    PyTorch, a mask may add leading axes, and a hidden key may hold NaN.

    References
    ----------
    Vaswani et al., "Attention is all you need", 2017, equation 1. Ainslie et al., "GQA", 2023.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> x = np.array([[[2.0], [4.0]]])
    >>> F.scaled_dot_product_attention(0 * x, x, x, is_causal=True)
    array([[[2.],
            [3.]]])
    """
    if dropout_p:
        return attention(query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa, rng)[0]
    if enable_gqa:
        query, key, value, attn_mask = grouped(query, key, value, attn_mask)
    leading = checked("scaled_dot_product_attention", query, key, value, attn_mask, is_causal)
    keep = is_grad_enabled() and any(isinstance(a, Tensor) and a.requires_grad for a in (query, key, value, attn_mask))
    dtype = np.result_type(query.dtype, key.dtype, value.dtype, np.float16)
    tiled = wants_tiles(math.prod(leading), query.shape[-2], key.shape[-2], dtype, keep, attn_mask is not None)
    if tiled and not getattr(attn_mask, "requires_grad", False):
        output = tiled_attention(query, key, value, attn_mask, is_causal, scale)
    else:
        output = fused_attention(query, key, value, attn_mask, is_causal, scale, keep)
    return ungrouped(output) if enable_gqa else output


def wants_tiles(heads, T, S, dtype, keep, masked=False):
    """Whether tiles are the fastest for so many heads of T × S scores; `keep`: a gradient will be asked for."""
    fits = heads * T * S * dtype.itemsize <= _memory.get()
    return T * S >= LARGE and not (keep and fits and not masked and base_for(dtype) is E)
