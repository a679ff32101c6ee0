"""What layers of attention do with a mask before they compute: what it hides from everyone must not get into them.

NaN, ∞ and numbers close to it are replaced by zeros: a projection or a score of them would be multiplied by a gradient
of zero, and 0 · NaN is NaN. Other numbers may stay, as zeros do away with them.
"""

import math

import numpy as np

from ... import functional as F
from ...autograd import Tensor

__all__ = ["as_mask", "cleared", "unhidden"]


def as_mask(mask):
    """A mask as an array; None and Tensors stay what they are."""
    return mask if mask is None or isinstance(mask, Tensor) else np.asarray(mask)


def unhidden(query, key, value, mask):
    """Query, key and value (by default the key) `cleared` of what a boolean mask (..., T, S) hides from everyone."""
    value = key if value is None else value
    if mask is None:
        return query, key, value
    mask = mask.data if isinstance(mask, Tensor) else mask
    rows = mask if mask.ndim > 1 else mask[None]                        # (..., T or 1, S or 1)
    same = value is key
    key = cleared(key, rows.any(-2))
    return cleared(query, rows.any(-1)), key, key if same else cleared(value, rows.any(-2))


def cleared(x, seen):
    """x (..., L, D), zero where `seen` (..., L or 1) is False, if a number there is not well inside the range of x."""
    raw = x.data if isinstance(x, Tensor) else x
    seen = seen.any(tuple(range(max(seen.ndim - raw.ndim + 1, 0))))     # a leading axis that x lacks: seen by any
    shape = np.broadcast_shapes(seen.shape, raw.shape[:-1])
    hidden = np.broadcast_to(raw, (*shape, raw.shape[-1]))[~np.broadcast_to(seen, shape)]
    if (np.abs(hidden) < math.sqrt(np.finfo(raw.dtype).max)).all():
        return x
    return F.where(seen[..., None], x, 0.0)
