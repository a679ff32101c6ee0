"""What the forms of attention share: queries, keys and values head by head, and their mask tile by tile."""

import math
from functools import lru_cache

import numpy as np

from .powers import E

__all__ = ["Mask", "are_tame", "checked", "exponentiate", "factor", "heads", "pieces", "stacked",
           "with_ones", "with_sums"]

TAME = 30.0  # exponentials of scores up to this size do not overflow, nor vanish beside each other, in float32 or wider


def checked(name, query, key, value, mask, is_causal):
    """The leading axes of the result; an error if the shapes or the mask do not fit."""
    shapes = f"{query.shape}, {key.shape} and {value.shape}"
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise ValueError(f"{name}: query, key and value must be (..., T, D), (..., S, D) and (..., S, E); got {shapes}")
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(f"{name}: query and key must share the last dimension; got {query.shape} and {key.shape}")
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(f"{name}: there must be a value for each key; got {key.shape} and {value.shape}")
    leading = [a.shape[:-2] for a in (query, key, value)]
    if mask is not None:
        leading.append(_checked_mask(name, mask, is_causal, query.shape[-2], key.shape[-2]).shape[:-2])
        shapes += f", with a mask {mask.shape}"
    try:
        return np.broadcast_shapes(*leading)
    except ValueError:
        raise ValueError(f"{name}: the leading axes must broadcast; got {shapes}") from None


def _checked_mask(name, mask, is_causal, T, S):
    """The mask; an error if it is not one for T queries and S keys."""
    if is_causal:
        raise ValueError(f"{name}: is_causal makes the mask itself; got attn_mask as well")
    if getattr(mask, "dtype", np.dtype(object)).kind not in "bf":
        raise ValueError(f"{name}: the mask is an array, boolean (True = may attend) or floating; "
                         f"got {getattr(mask, 'dtype', type(mask).__name__)}")
    if any(n not in (1, m) for n, m in zip(mask.shape[::-1], (S, T))):
        raise ValueError(f"{name}: the mask must broadcast to (..., {T}, {S}); got {mask.shape}")
    return mask


def stacked(a, leading, dtype):
    """(..., T, D) as (*leading, T, D): a view, unless BLAS could not read it."""
    a = np.asarray(a, dtype)
    if a.strides[-1] != a.itemsize or a.strides[-2] < a.shape[-1] * a.itemsize:
        a = np.ascontiguousarray(a)
    return np.broadcast_to(a, (*leading, *a.shape[-2:]))


def heads(a, leading, dtype):
    """(..., T, D) as one matrix (T, D) per head."""
    whole = stacked(a, leading, dtype)
    return [whole[index] for index in np.ndindex(*leading)]


def pieces(leading, size):
    """Indices of groups of heads, neighbours along the last leading axis: at most `size` in a group, at least 1."""
    if not leading:
        return [()]
    size = max(size, 1)
    return [(*index, slice(k, k + size)) for index in np.ndindex(*leading[:-1]) for k in range(0, leading[-1], size)]


def factor(query, scale):
    """What scores are multiplied by, as a Python float, which keeps float32 as it is."""
    return 1 / math.sqrt(query.shape[-1] or 1) if scale is None else float(scale)


def are_tame(query, key, scale, mask):
    """Whether all scores are so small that no maximum need be subtracted: they are bounded by Cauchy–Schwarz,
    |σ q·k| ≤ |σ| ‖q‖ ‖k‖. Never in float16 (two bytes), which cannot hold their exponentials."""
    floating = mask is not None and mask.dtype.kind == "f"
    return query.itemsize > 2 and not floating and abs(factor(query, scale)) * _longest(query) * _longest(key) <= TAME


def _longest(vectors):
    """The length of the longest row; infinite where its square overflows."""
    with np.errstate(over="ignore"):
        return math.sqrt(np.vecdot(vectors, vectors).real.max(initial=0))


def exponentiate(e, mask, lower, base=E, careful=False):
    """In place: scores E / ln b become b^{E / ln b − c}, and 0 where the mask hides a key.

    c = lower(E / ln b), or 0 if `lower` is None. A mask with fewer rows than E belongs to the first of them. `careful`:
    some hidden scores are +∞ or NaN, which a floating mask of −∞ would leave NaN.
    """
    if lower is not None:
        _hide(e, mask, -np.inf, base)
        if careful and mask is not None and mask.dtype.kind == "f":
            _hide(e, mask != -np.inf, -np.inf)
        e -= lower(e)
    base.power(e, out=e)
    if lower is None:
        _hide(e, mask, 0)


def _hide(e, mask, value, base=E):
    """Overwrite what a boolean mask hides; add a floating one."""
    if mask is None:
        return
    part = e[..., :mask.shape[-2], :]
    if mask.dtype.kind == "f":
        part += mask / base.ln
    else:
        np.copyto(part, value, where=~mask)


def with_ones(v, empty=np.empty):
    """[V, 1]."""
    out = empty((*v.shape[:-1], v.shape[-1] + 1), v.dtype)
    out[..., :-1] = v
    out[..., -1] = 1
    return out


def with_sums(g, y, times, empty=np.empty):
    """[Ȳ, −D] with D = rowsum(Ȳ ⊙ Y), so that its product with [V, 1]ᵀ is Ȳ Vᵀ − D; each row times its number."""
    out = empty((*g.shape[:-1], g.shape[-1] + 1), y.dtype)
    np.multiply(g, times, out=out[..., :-1])
    np.negative(np.vecdot(out[..., :-1].conj(), y), out=out[..., -1])  # vecdot takes the conjugate: for a complex step
    return out


class Mask:
    """A mask over N heads, read a tile at a time, so that it is never expanded to all heads and queries."""

    def __init__(self, mask, is_causal, leading):
        self.is_causal = is_causal
        self.masks = None
        if mask is not None:
            mask = mask.reshape((1,) * (2 - mask.ndim) + mask.shape)
            self.masks = mask.reshape(math.prod(mask.shape[:-2]), *mask.shape[-2:])     # (M, T or 1, S or 1)
            which = np.arange(len(self.masks)).reshape(mask.shape[:-2])
            self.which = np.broadcast_to(which, leading).reshape(-1)        # (N,): which of the M masks a head has

    def tile(self, head, rows, keys):
        """(rows, keys, mask): a tile without the queries at its edges that see nothing, and the keys that none sees.

        None if nothing is left. The mask, boolean or floating, is None if it hides nothing; if it has fewer rows than
        the tile, it belongs to the first of them, and the others see all keys.
        """
        if self.is_causal:
            first = max(rows.start, keys.start)
            last = keys.stop - 1
            mask = _below_diagonal(min(rows.stop, last) - first, last + 1 - keys.start, first - keys.start)
            return slice(first, rows.stop), keys, mask
        if self.masks is None:
            return rows, keys, None
        whole = self.masks[self.which[head]]
        mask = whole[rows if len(whole) > 1 else slice(None), keys if whole.shape[1] > 1 else slice(None)]
        mask = np.broadcast_to(mask, (rows.stop - rows.start, keys.stop - keys.start))
        return (rows, keys, mask) if mask.dtype.kind == "f" else _cropped(rows, keys, mask)


def _cropped(rows, keys, mask):
    """The tile without the queries at its edges that see nothing, and without the keys there that are not seen."""
    if mask.all():
        return rows, keys, None
    seeing = np.flatnonzero(mask.any(1))
    seen = np.flatnonzero(mask.any(0))
    if not len(seen):
        return None
    i = slice(seeing[0], seeing[-1] + 1)
    j = slice(seen[0], seen[-1] + 1)
    rows = slice(rows.start + i.start, rows.start + i.stop)
    keys = slice(keys.start + j.start, keys.start + j.stop)
    return rows, keys, mask[i, j]


@lru_cache(16)
def _below_diagonal(rows, keys, shift):
    """True where key ≤ query + shift; None if there are no rows."""
    return np.tri(rows, keys, shift, dtype=bool) if rows > 0 else None
