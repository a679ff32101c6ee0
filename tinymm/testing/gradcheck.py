"""Does the tape's gradient agree with finite differences? First and second order."""

import numpy as np

from ..autograd import Tensor, grad

__all__ = ["GradientError", "gradcheck", "gradgradcheck"]


class GradientError(AssertionError):
    """An analytic gradient and its reference disagree."""


def gradcheck(f, inputs, rng=None, rtol=1e-6, atol=1e-8):
    r"""Compare the gradient of $\langle g, f(x)\rangle$, g random, with central differences in float64.

    Parameters
    ----------
    f : callable
        Takes Tensors, returns a Tensor.
    inputs : sequence of array_like
        Floating-point inputs are differentiated (in float64); the others are passed as they are.
    rng : numpy.random.Generator, optional
        Draws the cotangent; default: seed 0.
    rtol, atol : float
        Relative to the largest reference element; absolute.

    Returns
    -------
    bool
        True.

    Raises
    ------
    GradientError
        Naming input, element, and both values.

    Notes
    -----
    The step is $h = \epsilon^{1/3} \max(1, |x|)$ with Richardson extrapolation of two steps, which
    leaves an error of order $h^4$: about 1e-10 for functions of moderate curvature.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> tm.testing.gradcheck(lambda x: np.sin(x) * x, [np.array([0.3, -2.0])])
    True
    """
    rng = np.random.default_rng(0) if rng is None else rng
    inputs = [_float64(a) for a in inputs]
    tensors = [Tensor(a).requires_grad_() if _differentiable(a) else a for a in inputs]
    y = f(*tensors)
    g = rng.standard_normal(y.shape)
    chosen = [t for t in tensors if isinstance(t, Tensor)]
    found = iter(grad(y, chosen, g, allow_unused=True))
    for i, a in enumerate(inputs):
        if not _differentiable(a):
            continue
        analytic = next(found)
        analytic = np.zeros_like(a) if analytic is None else analytic.data

        def value(moved, i=i):
            return _vdot(g, f(*(Tensor(moved if k == i else b) if _differentiable(b) else b for k, b in enumerate(inputs))))

        _compare(i, analytic, _differences(value, a), rtol, atol)
    return True


def gradgradcheck(f, inputs, rng=None, rtol=1e-6, atol=1e-7):
    """`gradcheck` of the gradient itself: second derivatives, through `create_graph`.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> tm.testing.gradgradcheck(lambda x: np.sin(x) * x, [np.array([0.3, -2.0])])
    True
    """
    rng = np.random.default_rng(0) if rng is None else rng
    inputs = [_float64(a) for a in inputs]
    where = [i for i, a in enumerate(inputs) if _differentiable(a)]
    y = f(*(Tensor(a) if _differentiable(a) else a for a in inputs))
    weights = [rng.standard_normal(inputs[i].shape) for i in where]

    def gradient(g, *xs):
        y = f(*xs)
        found = grad(y, [xs[i] for i in where], g, create_graph=True, allow_unused=True)
        terms = [(d * w).sum() for d, w in zip(found, weights) if d is not None]
        return sum(terms, Tensor(np.zeros(())))

    def wrapped(g, *xs):  # plain arguments come as constants when they are probed
        return gradient(g.requires_grad_() if g.is_leaf else g,
                        *(x.requires_grad_() if isinstance(x, Tensor) and x.is_leaf else x for x in xs))

    return gradcheck(wrapped, [rng.standard_normal(y.shape), *inputs], rng, rtol, atol)


def _differentiable(a):
    return isinstance(a, np.ndarray) and a.dtype.kind == "f"


def _float64(a):
    return a.astype(np.float64) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a


def _vdot(g, y):
    return float(np.vdot(g, y.data if isinstance(y, Tensor) else y))


def _differences(value, a):
    """Central differences of a scalar function, element by element, extrapolated once."""
    result = np.empty_like(a)
    for index in np.ndindex(a.shape):
        h = np.finfo(np.float64).eps ** 0.2 * max(1.0, abs(a[index])) * 0.25

        def slope(step, index=index):
            up, down = a.copy(), a.copy()
            up[index] += step
            down[index] -= step
            return (value(up) - value(down)) / (up[index] - down[index])

        result[index] = (4 * slope(h) - slope(2 * h)) / 3
    return result


def _compare(i, analytic, reference, rtol, atol):
    if analytic.shape != reference.shape:
        raise GradientError(f"gradcheck: the gradient of input {i} has shape {analytic.shape}, the input {reference.shape}")
    if not reference.size:
        return
    error = np.abs(analytic - reference)
    bound = atol + rtol * np.abs(reference).max()
    if not (error <= bound).all():
        worst = np.unravel_index(np.argmax(np.where(np.isnan(error), np.inf, error)), error.shape)
        raise GradientError(f"gradcheck: input {i}, element {tuple(map(int, worst))}: analytic {analytic[worst]:.12g}, "
                            f"central differences {reference[worst]:.12g}")
