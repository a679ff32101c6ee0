r"""One word through a Transformer layer whose caches hold the words before it, in as few NumPy calls as it can have.

`transformer` is the textbook: its layers take any number of positions, masks, gradients. A decoder asks them for one
position at a time, without a gradient. A word of width 256 is then so little work that each call, of a microsecond or
more, costs as much as what it computes. Here the same formulas stand once more, for that case alone: query, key and
value come from one product, nothing is put on a tape, nothing is transposed, nothing is computed that only a backward
pass would read. `can_step` says whether the case is given. Where numbers leave the range of the short formulas, the
step is taken back and the textbook has its turn.
"""

import math
from functools import lru_cache

import numpy as np

from ..autograd import Tensor
from ..autograd.mode import mode
from .attention.cache import KeyValueCache, MemoryCache
from .attention.multihead import MultiheadAttention
from .dropout import Dropout
from .linear import Linear
from .normalization import LayerNorm

__all__ = ["can_step", "decoder_step", "encoder_step"]

FEW = 8  # rows up to which W xᵀ takes less time than x Wᵀ


def can_step(layer, x, own_cache, memory_cache=None, memory_mask=None):
    """Whether the layer's answer to x may come from here.

    It may for one position (B, 1, D) in float32 or float64, under `no_grad`, without dropout; where caches are those
    of `cache` and not of a subclass, and a memory is in its cache already; where every part computes what its class
    says, not one that somebody watches, debugs, adapted or replaced. Whatever is wrong with the input is not for
    here either: the textbook names it.

    Parameters
    ----------
    layer : TransformerEncoderLayer or TransformerDecoderLayer
    x : Tensor
    own_cache : KeyValueCache or None
    memory_cache : MemoryCache or None
        Of a decoder layer.
    memory_mask : boolean array (B, S), optional
        True where the memory is real.

    Returns
    -------
    bool
    """
    if mode.recording or mode.watch is not None or type(x) is not Tensor or type(own_cache) is not KeyValueCache:
        return False
    x = x.data
    if x.ndim != 3 or x.shape[1] != 1 or x.dtype.char not in "fd":
        return False
    if not (_is_plain(layer.dropout, Dropout) and _drops_nothing(layer.dropout, layer.dropout.p)
            and _can_attend(layer.self_attn, x)
            and _can_map(layer.linear1, Linear, x) and _can_map(layer.linear2, Linear, x)
            and _can_map(layer.norm1, LayerNorm, x) and _can_map(layer.norm2, LayerNorm, x)):
        return False
    if memory_cache is None:
        return True
    return (type(memory_cache) is MemoryCache and _fits(memory_cache, x, memory_mask)
            and _can_attend(layer.multihead_attn, x) and _can_map(layer.norm3, LayerNorm, x))


def _is_plain(part, kind):
    """Whether a part is of this kind, and nobody has replaced its `forward`."""
    return type(part) is kind and "forward" not in vars(part)


def _drops_nothing(part, probability):
    return not (part.training and probability)


def _can_map(part, kind, x):
    """Whether a Linear or a LayerNorm is plain, and its numbers are of x's kind."""
    return (_is_plain(part, kind) and part.weight.data.dtype is x.dtype
            and (part.bias is None or part.bias.data.dtype is x.dtype))


def _can_attend(attention, x):
    """Whether an attention is plain, projects what has x's width and kind, and drops no weights."""
    if not _is_plain(attention, MultiheadAttention) or not _drops_nothing(attention, attention.dropout):
        return False
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    return (weight is not None and weight.data.dtype is x.dtype and weight.data.shape[1] == x.shape[2]
            and (bias is None or bias.data.dtype is x.dtype) and _can_map(attention.out_proj, Linear, x))


def _fits(cache, x, mask):
    """Whether a memory is there for each row of x, and the mask is one of its positions that hides no row wholly."""
    key = cache.key
    if key is None or len(key) != len(x):
        return False
    return mask is None or (type(mask) is np.ndarray and mask.dtype == bool and mask.shape == (len(x), key.shape[2])
                            and bool(mask.any(1).all()))


def encoder_step(layer, x, cache, activate):
    """What `TransformerEncoderLayer.forward` gives for one position.

    Parameters
    ----------
    layer : TransformerEncoderLayer
    x : ndarray (B, 1, D)
    cache : KeyValueCache
        Grows by one position.
    activate : callable
        The activation, of Tensors.

    Returns
    -------
    ndarray (B, 1, D), or None if the numbers are too large or not finite: the cache is then as it was.

    Raises
    ------
    ValueError
        If the cache holds another batch.
    """
    return _through(layer, x, cache, [
        (layer.norm1, lambda y: _attend_to_words(layer.self_attn, y, cache)),
        (layer.norm2, lambda y: _feed_forward(layer, y, activate))])


def decoder_step(layer, x, own_cache, memory_cache, memory_mask, activate):
    """What `TransformerDecoderLayer.forward` gives for one position, once the memory is in its cache.

    Parameters
    ----------
    layer : TransformerDecoderLayer
    x : ndarray (B, 1, D)
    own_cache : KeyValueCache
        Grows by one position.
    memory_cache : MemoryCache
    memory_mask : boolean array (B, S), optional
    activate : callable

    Returns
    -------
    ndarray (B, 1, D), or None if the numbers are too large or not finite: the caches are then as they were.

    Raises
    ------
    ValueError
        If the cache of the words holds another batch.
    """
    return _through(layer, x, own_cache, [
        (layer.norm1, lambda y: _attend_to_words(layer.self_attn, y, own_cache)),
        (layer.norm2, lambda y: _attend_to_memory(layer.multihead_attn, y, memory_cache, memory_mask)),
        (layer.norm3, lambda y: _feed_forward(layer, y, activate))])


def _through(layer, x, cache, sublayers):
    """x (B, 1, D) through pairs of a norm and f: x + f(LN(x)) if the norm comes first, else LN(x + f(x)).

    So what any f but the last gives is seen by a norm, which finds numbers that are not finite; the last f, the
    feed-forward network, is the textbook's. None if it finds any, the cache then as before.
    """
    before = vars(cache).copy()
    rows = x[:, 0] if len(x) > 1 else x[0, 0]                           # (B, D); over a vector NumPy takes half as long
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            for norm, f in sublayers:
                y = f(_normalised(norm, rows) if layer.norm_first else rows)
                y += rows
                rows = y if layer.norm_first else _normalised(norm, y)
    except FloatingPointError:
        vars(cache).update(before)
        return None
    return rows.reshape(x.shape)


def _normalised(norm, x):
    """w ⊙ (x − μ) / √(σ² + ε) + b of each row of x, measured from its first element, as in `layer_norm`."""
    D, weight, bias = x.shape[-1], norm.weight.data, norm.bias.data
    if x.ndim == 1:
        y = x - x[0]
        y -= y.dot(_averaging(D, y.dtype))
        y /= _deviation(y.dot(y) / D + norm.eps)
    else:
        y = x - x[:, :1]
        y -= y.dot(_averaging(D, y.dtype))[:, None]
        y /= np.array([[_deviation(square / D + norm.eps)] for square in np.vecdot(y, y).tolist()], y.dtype)
    y *= weight
    y += bias
    return y


def _deviation(variance):
    """Its root; an error where it is out of range, or NaN."""
    if not 1e-30 < variance < math.inf:
        raise FloatingPointError
    return math.sqrt(variance)


@lru_cache(16)
def _averaging(D, dtype):
    """The vector (D,) whose product with another is the mean of that."""
    return np.full(D, 1 / D, dtype)


def _affine(x, weight, bias):
    """x Wᵀ + b, all of them arrays; for a few rows as (W xᵀ)ᵀ, for which OpenBLAS rearranges less of W."""
    y = weight.dot(x.T).T.copy() if x.ndim == 2 and len(x) <= FEW else x.dot(weight.T)
    if bias is not None:
        y += bias
    return y


def _linear(layer, x):
    return _affine(x, layer.weight.data, None if layer.bias is None else layer.bias.data)


def _feed_forward(layer, x, activate):
    """W₂ f(W₁ x + b₁) + b₂."""
    return _linear(layer.linear2, activate(Tensor(_linear(layer.linear1, x))).data)


def _attend_to_words(attention, x, cache):
    """From each row of x (B, D) or (D,) to the words in the cache, its own now among them."""
    D = x.shape[-1]
    heads = -1, attention.num_heads, 1, D // attention.num_heads
    bias = attention.in_proj_bias
    projected = _affine(x, attention.in_proj_weight.data, None if bias is None else bias.data)  # (B, 3 D) or (3 D,)
    q = projected[..., :D].reshape(heads)                               # views
    k = projected[..., D:2 * D].reshape(heads)
    v = projected[..., 2 * D:].reshape(heads)
    keys, values = cache.extend(Tensor(k), Tensor(v))
    return _linear(attention.out_proj, _attended(q, keys.data, values.data).reshape(x.shape))


def _attend_to_memory(attention, x, cache, mask):
    """From each row of x (B, D) or (D,) to the memory in the cache, as far as the mask (B, S) shows it."""
    D = x.shape[-1]
    bias = attention.in_proj_bias
    q = _affine(x, attention.in_proj_weight.data[:D], None if bias is None else bias.data[:D])
    q = q.reshape(-1, attention.num_heads, 1, D // attention.num_heads)
    return _linear(attention.out_proj, _attended(q, cache.key.data, cache.value.data, mask).reshape(x.shape))


def _attended(q, k, v, mask=None):
    """softmax(q kᵀ / √d) v for a query in each head, q (B, H, 1, d), k and v (B, H, S, d): (B, H, 1, d)."""
    q *= 1 / math.sqrt(q.shape[-1])
    e = np.matmul(q, k.mT)                                              # (B, H, 1, S)
    if mask is not None:
        np.copyto(e, -np.inf, where=~mask[:, None, None])
    e -= np.maximum.reduce(e, -1, keepdims=True)
    np.exp(e, out=e)
    y = np.matmul(e, v)
    y /= np.add.reduce(e, -1, keepdims=True)
    return y
