r"""Jacobians, Hessians and their products with vectors, from reverse mode alone.

Named as in `torch.autograd.functional`. Arrays in, arrays out; for a list of inputs, a tuple. A Jacobian-vector product
needs no forward mode: $\bar x(g) = J^\top g$ is linear in g, and its own VJP with respect to g is $Jv$ (the double
backward trick).
"""

import numpy as np

from ..autograd import Tensor, grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vjp"]


def vjp(f, inputs, v=None):
    r"""A vector-Jacobian product: $J^\top v$.

    Parameters
    ----------
    f : callable
        Takes Tensors, returns a Tensor.
    inputs : ndarray or sequence of ndarray
        The point; floating-point.
    v : ndarray, optional
        In the shape of the result; 1 for a single number.

    Returns
    -------
    value : ndarray
        f(inputs).
    product : ndarray or tuple of ndarray
        In the shape of the inputs.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> tm.testing.vjp(lambda x: x * x, np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    (array([1., 4.]), array([ 2., 40.]))
    """
    y, leaves, single = _evaluated(f, inputs)
    return y.data, _shaped(_gradients(y, leaves, v), leaves, single)


def jvp(f, inputs, v):
    r"""A Jacobian-vector product: $J v$, the derivative of f along v.

    Parameters
    ----------
    f, inputs
        As for `vjp`.
    v : ndarray or sequence of ndarray
        In the shape of the inputs.

    Returns
    -------
    value : ndarray
        f(inputs).
    product : ndarray
        In the shape of the result.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> tm.testing.jvp(lambda x: x * x, np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    (array([1., 4.]), array([ 2., 40.]))
    """
    y, leaves, single = _evaluated(f, inputs)
    g = Tensor(np.zeros_like(y.data)).requires_grad_()
    pulled = _gradients(y, leaves, g, create_graph=True)
    product = _contracted(pulled, _vectors("jvp", v, leaves, single))
    found = _gradients(product, [g])[0]
    return y.data, np.zeros_like(y.data) if found is None else found.data


def hvp(f, inputs, v):
    r"""A Hessian-vector product: $H v$ of a function with a single number as its result.

    Parameters
    ----------
    f, inputs
        As for `vjp`.
    v : ndarray or sequence of ndarray
        In the shape of the inputs.

    Returns
    -------
    value : ndarray
        f(inputs).
    product : ndarray or tuple of ndarray
        In the shape of the inputs.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> tm.testing.hvp(lambda x: (x * x * x).sum(), np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    (array(9.), array([  6., 120.]))
    """
    y, leaves, single = _evaluated(f, inputs)
    pulled = _gradients(y, leaves, create_graph=True)
    product = _contracted(pulled, _vectors("hvp", v, leaves, single))
    return y.data, _shaped(_gradients(product, leaves), leaves, single)


def jacobian(f, inputs):
    r"""The whole Jacobian, row by row: $J_{kj} = \partial y_k / \partial x_j$.

    Parameters
    ----------
    f, inputs
        As for `vjp`.

    Returns
    -------
    ndarray or tuple of ndarray
        Per input, in the shape of the result followed by that of the input.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> tm.testing.jacobian(lambda x: tm.functional.cumsum(x, 0), np.array([5.0, 6.0]))
    array([[1., 0.],
           [1., 1.]])
    """
    y, leaves, single = _evaluated(f, inputs)
    rows = [_shaped(_gradients(y, leaves, unit, retain_graph=True), leaves, False) for unit in _units(y)]
    blocks = tuple(np.array(column).reshape((*y.shape, *t.shape)) for column, t in zip(_columns(rows, leaves), leaves))
    return blocks[0] if single else blocks


def hessian(f, inputs):
    r"""The whole Hessian of a function with a single number as its result:
    $H_{ij} = \partial^2 y / \partial x_i \partial x_j$.

    Parameters
    ----------
    f, inputs
        As for `vjp`.

    Returns
    -------
    ndarray or tuple of tuples of ndarray
        The block of inputs a and b is at [a][b], in the shape of a followed by that of b.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> tm.testing.hessian(lambda x: x[0] * x[0] * x[1], np.array([2.0, 3.0]))
    array([[6., 4.],
           [4., 0.]])
    """
    y, leaves, single = _evaluated(f, inputs)
    blocks = []
    for t, d in zip(leaves, _gradients(y, leaves, create_graph=True)):
        d = Tensor(np.zeros(t.shape)) if d is None else d
        rows = [_shaped(_gradients(d, leaves, unit, retain_graph=True), leaves, False) for unit in _units(d)]
        blocks.append(tuple(np.array(column).reshape((*t.shape, *other.shape))
                            for column, other in zip(_columns(rows, leaves), leaves)))
    return blocks[0][0] if single else tuple(blocks)


def _evaluated(f, inputs):
    """The result, the leaves, and whether a single input was given by itself."""
    single = not isinstance(inputs, (list, tuple))
    leaves = [Tensor(np.array(a)).requires_grad_() for a in ([inputs] if single else inputs)]
    return f(*leaves), leaves, single


def _gradients(y, leaves, g=None, **options):
    """`grad`, None for what y does not depend on."""
    return grad(y, leaves, g, allow_unused=True, **options) if y.requires_grad else (None,) * len(leaves)


def _contracted(tensors, weights):
    """The sum of inner products."""
    terms = [(d * w).sum() for d, w in zip(tensors, weights) if d is not None]
    return sum(terms[1:], terms[0]) if terms else Tensor(np.zeros(()))


def _vectors(who, v, leaves, single):
    """One array per input, of its shape."""
    v = [np.asarray(a) for a in ([v] if single else v)]
    if [a.shape for a in v] != [t.shape for t in leaves]:
        raise ValueError(f"{who}: v must have the shapes of the inputs, {[t.shape for t in leaves]}; "
                         f"got {[a.shape for a in v]}")
    return v


def _shaped(found, leaves, single):
    """As arrays, zeros for None."""
    arrays = tuple(np.zeros_like(t.data) if d is None else d.data for d, t in zip(found, leaves))
    return arrays[0] if single else arrays


def _units(y):
    """Every unit cotangent."""
    for k in range(y.size):
        unit = np.zeros_like(y.data, order="C")
        unit.reshape(-1)[k] = 1
        yield unit


def _columns(rows, leaves):
    """What belongs to each leaf, of all rows."""
    return zip(*rows) if rows else [[] for _ in leaves]
