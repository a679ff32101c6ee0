"""Gradient clipping: by the norm of all gradients together, or element by element."""

import math

import numpy as np

from ..autograd import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_value_"]


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
    If the norm is infinite or NaN, the gradients are left as they are; the caller sees it in the result.

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
    # float16 cannot hold the square of 256, so its squares are taken in float32
    wide = [g.astype(np.promote_types(g.dtype, np.float32), copy=False) for g in grads]
    norm = math.sqrt(sum(float(np.vdot(g, g)) for g in wide))
    scale = max_norm / (norm + 1e-6)
    if scale < 1 and math.isfinite(norm):
        for g in grads:
            g *= scale
    return norm


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
        np.clip(g, -clip_value, clip_value, out=g)


def _gradients(parameters):
    """The gradients of one parameter or of several, as far as they have one."""
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    return [p.grad for p in parameters if p.grad is not None]
