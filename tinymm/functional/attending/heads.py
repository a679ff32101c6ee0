"""What the forms of attention share: queries, keys and values head by head, and their mask a piece at a time."""

import math
from functools import lru_cache

import numpy as np

__all__ = ["Mask", "checked", "factor", "heads"]


def checked(name, query, key, value, mask, is_causal):
    """The leading axes of the result, once it is sure that the shapes fit and the mask is one."""
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(f"{name}: query and key must share the last dimension; got {query.shape} and {key.shape}")
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(f"{name}: there must be a value for each key; got {key.shape} and {value.shape}")
    leading = [a.shape[:-2] for a in (query, key, value)]
    if mask is not None:
        if is_causal:
            raise ValueError(f"{name}: is_causal makes the mask itself; got attn_mask as well")
        if mask.dtype.kind not in "bf":
            raise ValueError(f"{name}: the mask is boolean (True = may attend) or floating; got {mask.dtype}")
        scores = (query.shape[-2], key.shape[-2])
        if any(n not in (1, m) for n, m in zip(mask.shape[::-1], scores[::-1])):
            raise ValueError(f"{name}: the mask must broadcast to (..., {scores[0]}, {scores[1]}); got {mask.shape}")
        leading.append(mask.shape[:-2])
    return np.broadcast_shapes(*leading)


def heads(a, leading, dtype):
    """(..., T, D) as one matrix (T, D) per head: views, unless BLAS could not read them."""
    a = np.asarray(a, dtype)
    if a.strides[-1] != a.itemsize or a.strides[-2] < a.shape[-1] * a.itemsize:
        a = np.ascontiguousarray(a)
    whole = np.broadcast_to(a, (*leading, *a.shape[-2:]))
    return [whole[index] for index in np.ndindex(*leading)]


def factor(query, scale):
    """What scores are multiplied by, as a Python float, which leaves float32 alone."""
    return 1 / math.sqrt(query.shape[-1] or 1) if scale is None else float(scale)


class Mask:
    """A mask over N heads, given out a tile at a time, so that it is never larger than the caller made it."""

    def __init__(self, mask, is_causal, leading):
        self.is_causal, self.masks = is_causal, None
        if mask is not None:
            mask = mask.reshape((1,) * (2 - mask.ndim) + mask.shape)
            self.masks = mask.reshape(-1, *mask.shape[-2:])                 # (M, T or 1, S or 1)
            which = np.arange(len(self.masks)).reshape(mask.shape[:-2])
            self.which = np.broadcast_to(which, leading).reshape(-1)        # (N,): which of M masks is a head's

    def tile(self, head, rows, keys):
        """Of the queries and keys in two slices: boolean or floating, or None if there is nothing to hide."""
        if self.is_causal:
            first, last = rows.start, keys.stop - 1
            return below_diagonal(rows.stop - first, last + 1 - keys.start, first - keys.start) if last > first else None
        if self.masks is None:
            return None
        mask = self.masks[self.which[head]]
        return mask[rows if len(mask) > 1 else slice(None), keys if mask.shape[1] > 1 else slice(None)]


@lru_cache(16)
def below_diagonal(rows, keys, shift):
    """True where key ≤ query + shift."""
    return np.tri(rows, keys, shift, dtype=bool)
