"""Which parts of an input decide a classifier's answer: the gradient at the input, and its integral along a path."""

import numpy as np

from ...autograd import Tensor, enable_grad, grad, no_grad, tensor

__all__ = ["gradient_times_input", "integrated_gradients", "saliency"]


def saliency(f, x, target=None, axis=None):
    r"""Saliency map of each example: $\left| \partial f_c(x) / \partial x \right|$, c its target class.

    Parameters
    ----------
    f : callable
        Inputs (B, ...) to scores (B, K), no example influencing another's: a model in eval mode.
    x : float array (B, ...)
        Images, features, or word vectors.
    target : int array (B,), optional
        The class whose score is explained; by default the one with the highest score.
    axis : int or tuple of int, optional
        The axis or axes over which the largest magnitude is taken, such as 1 for the channels of an image.

    Returns
    -------
    ndarray (B, ...)
        Not negative, in the dtype of x.

    Raises
    ------
    ValueError
        If x does not hold floats, f does not return (B, K), or a target is no class.

    References
    ----------
    Simonyan et al. (2014), Deep inside convolutional networks, §3.

    Examples
    --------
    >>> w = tensor(np.array([[1.0, -3.0], [0.0, 5.0]]))
    >>> saliency(lambda x: x @ w.mT, np.ones((1, 2)), target=[0])
    array([[1., 3.]])
    """
    x = _floats(x, "saliency")
    magnitude = np.abs(_gradient(f, x, _targets(f, x, target, "saliency")))
    return magnitude if axis is None else magnitude.max(axis)


def gradient_times_input(f, x, target=None):
    r"""First-order share of each element in a score: $x_i\, \partial f_c(x) / \partial x_i$.

    For a linear f without a constant the shares sum to $f_c(x)$; for any other, a share tells how the score would
    change if its element were scaled a little.

    Parameters
    ----------
    f : callable
        Inputs (B, ...) to scores (B, K), no example influencing another's: a model in eval mode.
    x : float array (B, ...)
    target : int array (B,), optional
        The class whose score is explained; by default the one with the highest score.

    Returns
    -------
    ndarray (B, ...)
        In the dtype of x; positive where the element raises the score.

    Raises
    ------
    ValueError
        As `saliency`.

    References
    ----------
    Shrikumar et al. (2017), Learning important features through propagating activation differences, §2.

    Examples
    --------
    >>> w = tensor(np.array([[1.0, -3.0], [0.0, 5.0]]))
    >>> gradient_times_input(lambda x: x @ w.mT, np.array([[2.0, 1.0]]), target=[0])
    array([[ 2., -3.]])
    """
    x = _floats(x, "gradient_times_input")
    return x * _gradient(f, x, _targets(f, x, target, "gradient_times_input"))


def integrated_gradients(f, x, baseline=0.0, target=None, steps=50):
    r"""Share the difference $f_c(x) - f_c(x_0)$ out over the elements of the input.

    $$ \phi_i = (x_i - x_{0,i}) \int_0^1 \frac{\partial f_c}{\partial x_i}\big(x_0 + u\,(x - x_0)\big)\, du $$

    Along the straight path the gradients add up to the difference, whatever f is, so that

    $$ \sum_i \phi_i = f_c(x) - f_c(x_0) \qquad \text{(completeness)}, $$

    which the plain gradient lacks: where f is saturated, the gradient is 0 although the element matters.

    Parameters
    ----------
    f : callable
        Inputs (B, ...) to scores (B, K), no example influencing another's: a model in eval mode.
    x : float array (B, ...)
    baseline : float or array that broadcasts to x, optional
        $x_0$, an input without content, such as a black image or silence.
    target : int array (B,), optional
        The class whose score is explained; by default the one with the highest score at x.
    steps : int, optional
        Points of the midpoint rule, $u = (k + ½)/\mathrm{steps}$.

    Returns
    -------
    ndarray (B, ...)
        $\phi$, in the dtype of x; positive where the element raises the score.

    Raises
    ------
    ValueError
        As `saliency`, or if `steps` is below 1.

    Notes
    -----
    The midpoint rule is exact for an f of degree two, off by $O(\mathrm{steps}^{-2})$ for a smooth one, and by
    $O(\mathrm{steps}^{-1})$ where a ReLU bends. Compare the sum with the difference to see whether `steps` suffices.

    References
    ----------
    Sundararajan et al. (2017), Axiomatic attribution for deep networks, eq. 1 and 3, proposition 1.

    Examples
    --------
    >>> f = lambda x: (x * x)[:, :1] * x[:, 1:]             # a²b, one class
    >>> phi = integrated_gradients(f, np.array([[2.0, 3.0]]))
    >>> phi.round(2), bool(abs(phi.sum() - 12) < 0.01)
    (array([[8., 4.]]), True)
    """
    x = _floats(x, "integrated_gradients")
    if steps < 1:
        raise ValueError(f"integrated_gradients: steps must be at least 1; got {steps}")
    target = _targets(f, x, target, "integrated_gradients")
    start = np.broadcast_to(np.asarray(baseline, x.dtype), x.shape)
    total = np.zeros_like(x)
    for k in range(steps):
        total += _gradient(f, start + (k + 0.5) / steps * (x - start), target)
    return (x - start) * total / steps


def _gradient(f, x, target):
    """The gradient of each example's f_c with respect to x; the parameters' `.grad` stays as it is."""
    with enable_grad():
        x = tensor(x, requires_grad=True)
        scores = f(x)[np.arange(len(target)), target]                      # (B,)
        # An example's score depends on its own input alone, so the gradient of the sum holds that of each.
        return grad(scores.sum(), x)[0].data


def _floats(x, name):
    """x as an array of floats (B, ...), or an error."""
    x = x.data if isinstance(x, Tensor) else np.asarray(x)
    if x.dtype.kind != "f" or x.ndim < 2 or not len(x):
        raise ValueError(f"{name}: x must be floats of shape (B, ...), B > 0; got {x.dtype} {x.shape}")
    return x


def _targets(f, x, target, name):
    """The class of each example whose score is explained, (B,)."""
    with no_grad():
        scores = f(tensor(x))
    if scores.ndim != 2 or len(scores) != len(x):
        raise ValueError(f"{name}: f must return scores (B, K) for B = {len(x)}; got {scores.shape}")
    if target is None:
        return scores.data.argmax(1)
    target = np.asarray(target)
    if target.shape != (len(x),) or target.dtype.kind not in "iu" or target.min() < 0 \
            or target.max() >= scores.shape[1]:
        raise ValueError(f"{name}: target must be one class of 0..{scores.shape[1] - 1} for each of {len(x)} examples; "
                         f"got {target.tolist()}")
    return target
