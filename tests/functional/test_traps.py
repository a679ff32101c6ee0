"""Known numerical traps, each by name: points where a formula that is right on paper gives NaN, 0 or noise.

The first line of a test says what the trap is. Warnings are errors here, so that a value that came out right by
way of an overflow fails too. First and second derivatives are asked for wherever they exist.
"""

import math

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F
from tinymm.testing import gradcheck, gradgradcheck

BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])
NONE = -np.inf  # the score of what is never chosen


def derivatives(f, x, g, w):
    """f(x), x̄(g), and the gradient of ⟨w, x̄⟩; a walk that is recorded gives the same x̄ as one that is not."""
    x, g, w = tm.tensor(np.asarray(x), requires_grad=True), np.asarray(g), np.asarray(w)
    y = f(x)
    d, = tm.grad(y, x, g, create_graph=True)
    plain, = tm.grad(y, x, g, retain_graph=True)
    rounding = 1e-4 if y.dtype == np.float32 else 1e-12  # fused and composite formulas round differently
    np.testing.assert_allclose(plain.data, d.data, rounding,
                               rounding * np.abs(d.data[np.isfinite(d.data)]).max(initial=1))
    second = tm.grad(d, x, w, allow_unused=True)[0] if d.requires_grad else None
    return y.data, d.data, np.zeros(x.shape) if second is None else second.data


def elementwise(f, x, rng):
    """f, f′ and f″ at each element."""
    x = np.asarray(x)
    # powers of two: dividing them out is exact
    g, w = rng.choice([-2.0, 0.5], x.shape), rng.choice([-2.0, 0.5], x.shape)
    y, first, second = derivatives(f, x, g.astype(x.dtype), w.astype(x.dtype))
    return y, first / g, second / (g * w)


def test_where_gives_the_branch_not_taken_exactly_nothing():
    """NaN · 0 is NaN: a mask that multiplies would let the branch not taken through."""
    a, b = tm.tensor([1.0, np.nan], requires_grad=True), tm.tensor([np.inf, 2.0], requires_grad=True)
    y = F.where(np.array([True, False]), a, b)
    y.backward([3.0, 4.0])
    assert y.tolist() == [1, 2] and a.grad.tolist() == [3, 0] and b.grad.tolist() == [0, 4]
    filled = F.masked_fill(a, np.array([False, True]), 7.0)
    assert filled.tolist() == [1, 7] and tm.grad(filled, a, np.array([5.0, 5.0]))[0].tolist() == [5, 0]


def test_where_must_guard_the_argument_as_well(rng):
    """where(x > 0, sqrt(x), 0) is finite and its gradient is not: sqrt itself turns the 0 it receives into 0 / 0."""
    x = np.array([-1.0, 0.0, 4.0])
    with np.errstate(invalid="ignore"):
        assert np.isnan(derivatives(lambda x: F.where(x > 0, F.sqrt(x), 0.0), x, np.ones(3), np.ones(3))[1][:2]).all()
    y, first, second = elementwise(lambda x: F.where(x > 0, F.sqrt(F.where(x > 0, x, 1.0)), 0.0), x, rng)
    assert y.tolist() == [0, 0, 2] and first.tolist() == [0, 0, 0.25] and second.tolist() == [0, 0, -1 / 32]


@pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 3, np.inf])
def test_norm_of_a_zero_vector(p, rng):
    """x / |x| is 0 / 0 at 0; the gradient is 0 there, and the rows beside it do not notice."""
    x = np.array([[0.0, 0.0, 0.0], [1.0, -2.0, 2.5]])
    g, w = rng.standard_normal(2), rng.standard_normal((2, 3))
    y, first, second = derivatives(lambda x: F.norm(x, p, 1), x, g, w)
    alone = derivatives(lambda x: F.norm(x, p), x[1], g[1], w[1])
    assert y[0] == 0 and not first[0].any() and not second[0].any()
    for whole, part in zip((y, first, second), alone):
        np.testing.assert_allclose(whole[1], part, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 3, np.inf])
def test_norm_of_a_vector_with_a_zero_in_it(p, rng):
    """|x|ᵖ⁻¹ and |x|ᵖ⁻² are infinite at 0 for small p:
    such an element gets nothing, the others what they get without it."""
    w = rng.standard_normal(3)
    y, first, second = derivatives(lambda x: F.norm(x, p), [0.0, 1.0, -2.5], 2.0, w)
    alone = derivatives(lambda x: F.norm(x, p), [1.0, -2.5], 2.0, w[1:])
    assert first[0] == 0 and (second[0] == 0 or p == 2)
    for whole, part in zip((y, first[1:], second[1:]), alone):
        np.testing.assert_allclose(whole, part, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("alpha", [1.0, 0.5, 2.0])
def test_elu_at_its_corner(alpha, rng):
    """f′ jumps from α to 1 at 0, and f″ from α to 0: both are those from the left, at −0 too;
    1{x > 0} + 1{x < 0} is neither."""
    y, first, second = elementwise(lambda x: F.elu(x, alpha), [0.0, -0.0, 1e-300, -1e-300], rng)
    np.testing.assert_allclose(y, 0, atol=1e-299)
    assert first.tolist() == [alpha, alpha, 1, alpha] and second.tolist() == [alpha, alpha, 0, alpha]
    x = rng.choice([-1.0, 1.0], 6) * rng.uniform(0.1, 3, 6)  # away from it
    assert gradcheck(lambda t: F.elu(t, alpha), [x], rng) and gradgradcheck(lambda t: F.elu(t, alpha), [x], rng)


@pytest.mark.parametrize("exponent", [0, 0.0, 1, 2, 3])
def test_power_with_a_constant_exponent_at_zero(exponent, rng):
    """n xⁿ⁻¹ is 0 · ∞ for x = 0, n = 0; and 0⁰ = 1."""
    x = np.array([-2.0, 0.0, 3.0])
    n = exponent
    expected = ([v ** n for v in x], [n * v ** max(n - 1, 0) for v in x], [n * (n - 1) * v ** max(n - 2, 0) for v in x])
    for b in (n, np.full(3, float(n))):
        for found, e in zip(elementwise(lambda x, b=b: x ** b, x, rng), expected):
            np.testing.assert_allclose(found, e, rtol=1e-14)


def test_power_with_a_variable_exponent_at_zero(rng):
    """aᵇ ln a is 0 · −∞ at a = 0: the function of b is constant there."""
    y, first, second = elementwise(lambda b: 0.0 ** b, [0.0, 1.0, 2.5], rng)
    assert y.tolist() == [1, 0, 0] and not first.any() and not second.any()
    y, first, second = elementwise(lambda b: np.array([0.0, 0.0, 3.0]) ** b, [0.0, 2.0, 0.0], rng)
    assert y.tolist() == [1, 0, 1]
    np.testing.assert_allclose([first, second], [[0, 0, math.log(3)], [0, 0, math.log(3) ** 2]], rtol=1e-15)


@BOTH
def test_log1p_and_expm1_near_zero(dtype, rng):
    """ln(1 + x) and eˣ − 1 lose every digit of a small x in 1 + x."""
    x = np.array([1e-20, -1e-20, 1e-9, 0.0], dtype)
    eps = np.finfo(dtype).eps
    for f, value, sign in ((F.log1p, x - x * x / 2, -1), (F.expm1, x + x * x / 2, 1)):
        y, first, second = elementwise(f, x, rng)
        np.testing.assert_allclose(y, value, rtol=2 * eps)
        np.testing.assert_allclose(first, 1 + sign * x, rtol=4 * eps)
        np.testing.assert_allclose(second, sign * (1 + (3 - sign) / 2 * sign * x), rtol=8 * eps)
    assert F.log(1 + x[0]) == 0 and F.exp(x[0]) - 1 == 0


def test_sigmoid_keeps_its_tail(rng):
    """½(1 + tanh x/2) is exactly 0 from −37 down, and its logarithm −∞; e⁻ˣ overflows below −709."""
    x = np.array([-40.0, -300.0, -1e4, 1e4])
    y, first, second = elementwise(F.sigmoid, x, rng)
    tail = np.exp(x[:2])
    for found in (y, first, second):
        np.testing.assert_allclose(found[:2], tail, rtol=1e-13)
    assert y[2:].tolist() == [0, 1] and not first[2:].any() and not second[2:].any()
    np.testing.assert_allclose(F.log(F.sigmoid(x[:2])), x[:2], rtol=1e-14)
    np.testing.assert_allclose([F.silu(x[:2]), F.quick_gelu(x[:2] / 1.702)],
                               [x[:2] * tail, x[:2] / 1.702 * tail], rtol=1e-12)
    np.testing.assert_allclose(elementwise(F.softplus, x[:2], rng), [tail] * 3, rtol=1e-13)
    assert F.sigmoid(np.array([0, 255], np.uint8)).tolist() == [0.5, 1.0]


@BOTH
@pytest.mark.parametrize("f", [F.softmax, F.log_softmax, F.logsumexp], ids=["softmax", "log_softmax", "logsumexp"])
def test_softmax_and_logsumexp_of_scores_whose_exponentials_overflow(f, dtype, rng):
    """e¹⁰⁰⁰⁰ is ∞ and e⁻¹⁰⁰⁰⁰ is 0; a shift changes neither softmax nor a derivative."""
    x = rng.uniform(-1, 1, (2, 4)).astype(dtype)
    shift = np.array([[1e4], [-1e4]], dtype)
    x = (x + shift) - shift  # numbers that survive the shift
    g = rng.standard_normal(2 if f is F.logsumexp else x.shape).astype(dtype)
    w = rng.standard_normal(x.shape).astype(dtype)
    here, there = (derivatives(lambda t: f(t, -1), a, g, w) for a in (x, x + shift))
    moves = shift[:, 0] if f is F.logsumexp else 0
    rounding = 2e4 * np.finfo(dtype).eps  # of y, which logsumexp takes from x again
    for a, b in zip(here, there):
        np.testing.assert_allclose(b, a + moves, rtol=rounding, atol=rounding)
        moves = 0


@pytest.mark.parametrize("f", [F.softmax, F.log_softmax, F.logsumexp], ids=["softmax", "log_softmax", "logsumexp"])
def test_softmax_and_logsumexp_of_nothing_but_minus_infinity(f, rng):
    """−∞ − (−∞) is NaN: a row in which nothing may be chosen spoils the batch."""
    x = np.array([[0.3, -0.2, NONE], [NONE, NONE, NONE]])
    g = rng.standard_normal(2 if f is F.logsumexp else x.shape)
    w = rng.standard_normal(x.shape)
    y, first, second = derivatives(lambda t: f(t, -1), x, g, w)
    assert (y[1] == (0 if f is F.softmax else NONE)).all()
    np.testing.assert_array_equal(first[1], g[1] if f is F.log_softmax else 0)
    assert not second[1].any() and np.isfinite(first).all() and np.isfinite(second).all()
    kept = g[:1, :2] if g.ndim == 2 else g[:1]
    alone = derivatives(lambda t: f(t, -1), x[:1, :2], kept, w[:1, :2])
    if f is not F.log_softmax:  # whose cotangent of −∞ counts as well
        np.testing.assert_allclose(first[0], [*alone[1][0], 0], rtol=1e-14)
        np.testing.assert_allclose(second[0], [*alone[2][0], 0], rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("value", [0.0, 3.0, 0.1, 1e8 + 0.1])
def test_variance_of_equal_values(value, rng):
    """The mean of equal numbers is rounded: x − μ is not 0, and std divides that noise by itself."""
    n = 3
    x, w = np.full(n, value), rng.standard_normal(n)
    y, first, second = derivatives(F.var, x, 2.0, w)
    assert y == 0 and not first.any()
    np.testing.assert_allclose(second, 2.0 * 2 / (n - 1) * (w - w.mean()), rtol=1e-14, atol=1e-15)
    y, first, second = derivatives(lambda t: F.std(t, 0), x, 2.0, w)
    assert y == 0 and not first.any() and not second.any()


def test_variance_far_from_zero(rng):
    """Σx² − nμ² cancels; and so does x − μ, if μ is rounded."""
    d = np.array([0.0, 0.25, 1.0])
    for f in (F.var, F.std):
        for near, far in zip(derivatives(f, d, 1.0, d), derivatives(f, d + 2.0 ** 45, 1.0, d)):
            np.testing.assert_array_equal(near, far)


def test_ties_of_the_largest():
    """With 1{x = max} every one of k equals gets the whole gradient, k times too much."""
    x = np.array([[2.0, 5.0, 5.0, 5.0], [1.0, 1.0, 0.0, -1.0]])
    g, w = np.array([6.0, 8.0]), np.ones((2, 4))
    for f in (F.amax, lambda t, axis: -F.amin(-t, axis)):
        y, first, second = derivatives(lambda t: f(t, 1), x, g, w)
        assert y.tolist() == [5, 1] and first.tolist() == [[0, 2, 2, 2], [4, 4, 0, 0]] and not second.any()
    assert derivatives(lambda t: F.max(t, 1)[0], x, g, w)[1].tolist() == [[0, 6, 0, 0], [8, 0, 0, 0]]
    for f in (F.maximum, F.minimum):
        assert derivatives(lambda t: f(t, t), x, np.ones((2, 4)), w)[1].tolist() == np.ones((2, 4)).tolist()
    for f in (lambda t: F.sort(t, 1)[0][:, -1], lambda t: F.topk(t, 1, 1)[0][:, 0]):
        np.testing.assert_array_equal(derivatives(f, x, g, w)[1].sum(1), g)
    pooled = derivatives(lambda t: F.max_pool2d(t.reshape(1, 2, 2, 2), 2), x, g.reshape(1, 2, 1, 1), w)[1]
    np.testing.assert_array_equal(pooled.sum(1), g)


def test_square_root_at_zero(rng):
    """1 / 2√0 is ∞, which a 0 further down turns into NaN: |x| as √x² has no gradient at 0, norm and abs have."""
    with np.errstate(divide="ignore"):
        y, first, second = elementwise(F.sqrt, [0.0, 4.0], rng)
        assert y.tolist() == [0, 2] and first.tolist() == [np.inf, 0.25] and second.tolist() == [-np.inf, -1 / 32]
    with np.errstate(divide="ignore", invalid="ignore"):
        assert np.isnan(derivatives(lambda t: F.sqrt(t * t), 0.0, 1.0, 1.0)[1])
    assert derivatives(F.abs, 0.0, 1.0, 1.0)[1] == 0 == derivatives(F.norm, [0.0], 1.0, [1.0])[1][0]
    x = tm.tensor([0.0], requires_grad=True)
    with tm.debug(), np.errstate(divide="ignore"), pytest.raises(FloatingPointError,
                                                                 match="sqrt: the gradient of input 'x'"):
        F.sqrt(x).backward([1.0])


@pytest.mark.parametrize("tiny, dtype", [(1e-160, np.float64), (1e-22, np.float32)])
def test_division_by_tiny_numbers(tiny, dtype):
    """a / b² underflows its denominator to 0 long before −(a / b) / b leaves the range."""
    a, b = (tm.tensor(np.array([tiny], dtype), requires_grad=True) for _ in range(2))
    da, db = tm.grad(a / b, [a, b], np.ones(1, dtype))
    np.testing.assert_allclose([da.data[0] * dtype(tiny), -db.data[0] * dtype(tiny)], 1, rtol=1e-6)
    assert dtype(tiny) ** 2 == 0 or dtype(tiny) ** 2 < np.finfo(dtype).tiny
    x = dtype(1e-12)  # f″ of 1/x is 2/x³
    for f, slopes in ((F.reciprocal, (-1, -2, 2, -3)), (F.rsqrt, (-0.5, -1.5, 0.75, -2.5)), (F.log, (1, -1, -1, -2))):
        _, first, second = derivatives(f, x, dtype(1), dtype(1))
        c1, p1, c2, p2 = slopes
        np.testing.assert_allclose([first / (c1 * float(x) ** p1), second / (c2 * float(x) ** p2)], 1, rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_a_single_class(smoothing):
    """ln softmax of one score is 0 whatever the score: loss, gradient and curvature are 0."""
    x = np.array([[3.0], [1e4], [-1e4]])
    for target in (np.zeros(3, int), np.ones((3, 1))):
        found = derivatives(lambda t: F.cross_entropy(t, target, label_smoothing=smoothing), x, 1.0, np.ones((3, 1)))
        for a in found:
            np.testing.assert_allclose(a, 0, atol=1e-15)


@pytest.mark.parametrize("target", [np.array([0, 1]), np.array([[1.0, 0, 0], [0, 1, 0]])],
                         ids=["index", "probabilities"])
def test_cross_entropy_with_an_impossible_class(target, rng):
    """0 · ln 0: a class with score −∞ that is not the target either gives 0 · −∞."""
    x, w = np.array([[1.0, 2.0, NONE], [1e4, -1e4, NONE]]), rng.standard_normal((2, 3))
    found = derivatives(lambda t: F.cross_entropy(t, target), x, 1.0, w)
    alone = derivatives(lambda t: F.cross_entropy(t, target if target.ndim == 1 else target[:, :2]), x[:, :2],
                        1.0, w[:, :2])
    assert found[0] == alone[0]
    for a, b in zip(found[1:], alone[1:]):
        np.testing.assert_allclose(a, np.pad(b, [(0, 0), (0, 1)]), rtol=1e-14, atol=1e-17)


def test_divergence_where_the_target_is_zero():
    """t ln t at 0 is 0 · −∞."""
    y, first, second = derivatives(lambda x: F.kl_div(x, np.array([0.0, 0.5]), reduction="sum"), [-1.0, -2.0],
                                   1.0, np.ones(2))
    np.testing.assert_allclose(y, 0.5 * (math.log(0.5) + 2), rtol=1e-15)
    assert first.tolist() == [0, -0.5] and not second.any()


@pytest.mark.parametrize("value", [0.0, 5.0, 0.1, 1e8 + 0.1])
def test_normalisation_of_a_constant_row(value, rng):
    """x − μ is the rounding of μ, and 1/σ = 1/√ε blows it up;
    the exact derivative is (g − ⟨g⟩) / √ε, the second one 0."""
    n, eps = 3, 1e-5
    g, w = rng.standard_normal((2, n)), rng.standard_normal((2, n))
    x = np.full((2, n), value)
    bias = rng.standard_normal(n)
    y, first, second = derivatives(lambda t: F.layer_norm(t, n, bias=tm.tensor(bias), eps=eps), x, g, w)
    np.testing.assert_array_equal(y, [bias, bias])
    np.testing.assert_allclose(first, (g - g.mean(1, keepdims=True)) / math.sqrt(eps), rtol=1e-12)
    np.testing.assert_allclose(second, 0, atol=1e-8)  # sums of numbers of 1e5, the size of 1/ε
    y, first, second = derivatives(lambda t: F.batch_norm(t, training=True, eps=eps), x.T, g.T, w.T)
    assert not y.any()
    np.testing.assert_allclose(first.T, (g - g.mean(1, keepdims=True)) / math.sqrt(eps), rtol=1e-12)
    np.testing.assert_allclose(second, 0, atol=1e-8)


def test_normalisation_of_a_single_feature(rng):
    """One number has no spread: layer norm of it is 0, and so are its derivatives, whatever the number."""
    for value in (0.0, 7.0, 1e8 + 0.1):
        for found in derivatives(lambda t: F.layer_norm(t, 1), [[value]], np.ones((1, 1)), np.ones((1, 1))):
            assert not found.any()


def test_root_mean_square_of_a_zero_row(rng):
    """0 / 0 but for ε: the derivative is g / √ε."""
    g, w = rng.standard_normal((1, 3)), rng.standard_normal((1, 3))
    y, first, second = derivatives(lambda t: F.rms_norm(t, 3, eps=1e-6), np.zeros((1, 3)), g, w)
    assert not y.any()
    np.testing.assert_allclose(first, g / 1e-3, rtol=1e-12)
    np.testing.assert_allclose(second, 0, atol=1e-9)


@pytest.mark.parametrize("a, b, equation", [
    ((3,), (3,), "k,k->"), ((2, 3), (3,), "mk,k->m"), ((3,), (3, 4), "k,kn->n"), ((5, 2, 3), (3,), "bmk,k->bm"),
    ((3,), (5, 3, 4), "k,bkn->bn"), ((5, 2, 3), (3, 4), "bmk,kn->bmn"), ((2, 3), (5, 3, 4), "mk,bkn->bmn"),
    ((5, 1, 2, 3), (6, 3, 4), "bcmk,dkn->bdmn"), ((1, 1), (1,), "mk,k->m"), ((4, 4), (4,), "mk,k->m")])
def test_matmul_of_vectors_and_stacks(a, b, equation, rng):
    """A vector is a row on the left and a column on the right;
    stacks broadcast, and the gradient must sum over that."""
    x, w = rng.standard_normal(a), rng.standard_normal(b)
    np.testing.assert_allclose(F.matmul(x, w), np.einsum(equation, x, w), rtol=1e-13, atol=1e-14)
    assert gradcheck(F.matmul, [x, w], rng) and gradgradcheck(F.matmul, [x, w], rng)


def test_repeated_indices(rng):
    """x̄[index] = g keeps the last of several gradients; they must add up, under every name of the same row."""
    x, g = rng.standard_normal((3, 2)), rng.standard_normal((4, 2))
    index = np.array([0, 2, -3, 0])
    expected = np.stack([g[0] + g[2] + g[3], np.zeros(2), g[1]])
    along = np.repeat(index[:, None] % 3, 2, 1)
    for f in (lambda t: t[index], lambda t: F.embedding(index % 3, t), lambda t: F.gather(t, 0, along),
              lambda t: F.take_along_axis(t, along, 0), lambda t: F.stack([t[i] for i in index.tolist()]),
              lambda t: t[list(index)], lambda t: t[index, :], lambda t: t[index[:, None], np.array([0, 1])],
              lambda t: F.index_add(tm.tensor(np.zeros((4, 2))), 0, np.arange(4), t[index])):
        np.testing.assert_allclose(derivatives(f, x, g, np.ones((3, 2)))[1], expected, rtol=1e-14, atol=1e-15)
        assert gradgradcheck(lambda t, f=f: f(t * t), [x], rng)
    added = F.index_add(np.zeros((3, 2)), 0, index, g), F.scatter_add(np.zeros((3, 2)), 0, along, g)
    np.testing.assert_allclose(added, [expected] * 2, rtol=1e-14)
