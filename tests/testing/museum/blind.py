"""Popular checks of a gradient, and what makes each of them blind to something.

Each is called with the exhibit, its function, inputs and a Generator, and raises an error if it notices anything. The
book calls it by its docstring up to the colon.
"""

import numpy as np

from tinymm.autograd import Tensor, grad
from tinymm.testing import gradcheck, gradgradcheck
from tinymm.testing.gradcheck import pulled
from tinymm.testing.subject import Subject


def differences(exhibit, f, args, rng):
    """central differences: random cotangent, 1e-6; a good check, of first derivatives."""
    gradcheck(f, args, rng)


def all_ones(exhibit, f, args, rng):
    """a cotangent of ones: `f(x).sum().backward()` against differences."""
    gradcheck(lambda *x: f(*x).sum(), args, rng)


def unit_cotangents(exhibit, f, args, rng):
    """the whole Jacobian by differences: one row after the other, so that every cotangent consists of a 1 and zeros."""
    gradcheck(f, args, rng, jacobian=True)


def twice(exhibit, f, args, rng):
    """central differences, first and second order: 1e-6 of the largest."""
    gradcheck(f, args, rng)
    gradgradcheck(f, args, rng)


def loose(exhibit, f, args, rng):
    """a tolerance of 1e-2: differences, generously compared."""
    gradcheck(f, args, rng, rtol=1e-2, atol=1e-2)


def norms(exhibit, f, args, rng):
    """the norms of the gradients: as a plot of training shows them, for a cotangent of ones."""
    (y, leaves), (z, others) = Subject(f, args).at(), Subject(exhibit.right_op, args).at()
    for a, b in zip(pulled(y, leaves, np.ones(y.shape)), pulled(z, others, np.ones(y.shape))):
        np.testing.assert_allclose(np.linalg.norm(a), np.linalg.norm(b), rtol=1e-12)


def closed_form(exhibit, f, args, rng):
    """the formula worked out by hand: compared on one backward pass."""
    (y, leaves), (z, others) = Subject(f, args).at(), Subject(exhibit.right_op, args).at()
    g = rng.standard_normal(y.shape)
    for a, b in zip(pulled(y, leaves, g.copy()), pulled(z, others, g.copy())):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def descent(exhibit, f, args, rng):
    """the loss goes down: small steps towards what another input gives make it smaller, nearly every time."""
    x, rest = args[0], args[1:]
    target = f(exhibit.inputs(rng)[0], *rest)
    losses = []
    for _ in range(300):
        leaf = Tensor(x).requires_grad_()
        d = f(leaf, *rest) - target
        losses.append(float((d.data ** 2).sum()))
        x = x - 0.02 * grad(d, leaf, d.data)[0].data
    assert losses[-1] < 0.9 * losses[0] and np.mean(np.diff(losses) < 1e-9) > 0.9, losses[::30]
