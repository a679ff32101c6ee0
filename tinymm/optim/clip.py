"""Gradient clipping: by the norm of all gradients together, or element by element."""

import math

import numpy as np

from ..autograd import Tensor
from ..cores.sums import for_sums, inner
from ..functional.linalg import norm

__all__ = ["clip_grad_norm_", "clip_grad_value_"]

SMALLEST = 1e-30  # below it a sum of squares in float32 may have lost some that were rounded to 0


def clip_grad_norm_(parameters, max_norm):
    r"""Scale all gradients so that together they have at most a given 2-norm.

    $$g \leftarrow g \cdot \min\!\left(1, \frac{c}{\|g\| + 10^{-6}}\right)$$

    Parameters
    ----------
    parameters : iterable of Tensor, or Tensor
        Those without a gradient are passed over.
    max_norm : float
        c; ``math.inf`` only measures.

    Returns
    -------
    float
        The norm ‖g‖ of all gradients before clipping.

    Raises
    ------
    ValueError
        If `max_norm` is not positive.

    Notes
    -----
    Squares that would overflow or vanish are scaled: the norm is infinite or NaN only if a gradient is. Then the
    gradients are left as they are; the caller sees it in the result.

    References
    ----------
    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013, Algorithm 1.

    Examples
    --------
    >>> import tinymm as tm
    >>> x = tm.tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x).backward([0.5, 0.5])
    >>> clip_grad_norm_([x], 1.0), x.grad.round(3)
    (5.0, array([0.6, 0.8], dtype=float32))
    """
    if not max_norm > 0:
        raise ValueError(f"clip_grad_norm_: max_norm must be positive; got {max_norm}")
    grads = _gradients(parameters)
    length = math.hypot(*map(_length, grads))
    scale = max_norm / (length + 1e-6)
    if scale < 1 and math.isfinite(length):
        for g in grads:
            # a scale that float32 can hold in part only is multiplied in float64
            dtype = np.float32 if scale > np.finfo(np.float32).tiny else np.float64
            np.multiply(g, scale, out=g, dtype=np.promote_types(g.dtype, dtype))
    return length


def clip_grad_value_(parameters, clip_value):
    r"""Cut every element of every gradient to an interval: $g \leftarrow \min(\max(g, -c), c)$.

    Parameters
    ----------
    parameters : iterable of Tensor, or Tensor
        Those without a gradient are passed over.
    clip_value : float
        c.

    Raises
    ------
    ValueError
        If `clip_value` is negative.

    Examples
    --------
    >>> import tinymm as tm
    >>> x = tm.tensor([3.0, -4.0, 0.5], requires_grad=True)
    >>> (x * x).backward([0.5, 0.5, 0.5])
    >>> clip_grad_value_([x], 1.0)
    >>> x.grad
    array([ 1. , -1. ,  0.5], dtype=float32)
    """
    if not clip_value >= 0:
        raise ValueError(f"clip_grad_value_: clip_value must not be negative; got {clip_value}")
    for g in _gradients(parameters):
        bound = min(clip_value, float(np.finfo(g.dtype).max)) if clip_value < math.inf else math.inf
        np.clip(g, -bound, bound, out=g)


def _length(g):
    """‖g‖ (float)."""
    flat = for_sums(g).reshape(-1)
    with np.errstate(over="ignore"):
        square = float(inner(flat, flat))
    if SMALLEST < square < math.inf:
        return math.sqrt(square)
    return float(norm(flat.astype(np.float64)))


def _gradients(parameters):
    """The gradients of one parameter or of several, as far as they have one."""
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    return [p.grad for p in parameters if p.grad is not None]
