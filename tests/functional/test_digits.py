"""Gradients of float32 keep their digits over the whole range of x: none subtracts what the forward added.

The gradient at a float32 number is compared with float64's at the same number. What a last digit of x changes is
allowed for, by the second derivative; nothing else is.
"""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F
import tinymm.testing.specs  # noqa: F401  fills SPECS
from tinymm.testing import SPECS

EPS, TINY = float(np.finfo(np.float32).eps), float(np.finfo(np.float32).tiny)
# within one epsilon of the largest value, not of each: a tanh of a polynomial (see `normal`)
APPROXIMATE = {"gelu"}
ELEMENTWISE = sorted(name for name, rows in SPECS.items() for row in rows[:1]
                     if tm.autograd.registry[name].__module__.endswith((".elementwise", ".activations", ".kernels"))
                     and row.function is None and name not in {"astype", "causal_product", *APPROXIMATE})


def numbers():
    """Some of every exponent, of both signs, as float32."""
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 2, (2, 252)) * 2.0 ** np.arange(-126, 126)
    near = rng.uniform(-30, 30, (2, 300))
    return np.sort(np.concatenate([x[0], -x[1], near[0], near[1] * 3, [0.0]])).astype(np.float32)


def slopes(f, x):
    """f′ and x f″ at each x."""
    x = tm.tensor(x, requires_grad=True)
    y = f(x)
    first, = tm.grad(y, x, np.ones(x.shape), create_graph=True)
    plain, = tm.grad(y, x, np.ones(x.shape), retain_graph=True)
    second, = tm.grad(first, x, np.ones(x.shape), allow_unused=True) if first.requires_grad else [None]
    return plain.data, 0 if second is None else second.data * x.data


def compare(f, x):
    with np.errstate(all="ignore"):
        exact, moved = slopes(f, x.astype(np.float64))
        found, _ = slopes(f, x)
        inside = np.isfinite(exact) & (np.abs(exact) < np.finfo(np.float32).max / 2) & np.isfinite(moved)
        # a factor that underflows is off by TINY, and x may be the other one
        allowed = EPS * (8 * np.abs(exact) + np.abs(moved)) + 2 * TINY * (1 + np.abs(x))
        wrong = inside & ~(np.abs(found - exact) <= allowed)
    assert found.dtype == np.float32
    assert inside.sum() > len(x) / 3
    assert not wrong.any(), f"at {x[wrong][:5]}: {found[wrong][:5]}, exactly {exact[wrong][:5]}"


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_gradients_of_functions_of_one_number(name):
    compare(tm.autograd.registry[name], numbers())


@pytest.mark.parametrize("alpha", [0.5, 2.0])
def test_elu_with_its_option(alpha):
    compare(lambda x: F.elu(x, alpha), numbers())
    x = tm.tensor(np.array([np.inf, -np.inf], np.float32), requires_grad=True)
    F.elu(x, alpha).backward(np.ones(2, np.float32))
    assert x.grad.tolist() == [1, 0]


@pytest.mark.parametrize("answer", [0.0, 0.25, 1.0])
def test_binary_cross_entropy(answer):
    """σ(x) − 1 far above 0 is what is left of 1."""
    def loss(x):
        return F.binary_cross_entropy_with_logits(x, np.full(x.shape, answer, x.dtype), reduction="none")

    x = numbers()
    compare(loss, x)
    with np.errstate(all="ignore"):
        y, exact = loss(x), loss(x.astype(np.float64))
    np.testing.assert_allclose(y, exact, rtol=16 * EPS, atol=TINY)


def test_what_is_approximate_is_so_within_some_epsilons():
    x = np.linspace(-20, 20, 4001).astype(np.float32)
    for approximate in ("none", "tanh"):
        found, exact = (slopes(lambda x: F.gelu(x, approximate), a)[0] for a in (x, x.astype(np.float64)))
        np.testing.assert_allclose(found, exact, rtol=8 * EPS, atol=16 * EPS)
