"""`@op`: what a VJP may ask for and return, and what it is told when it is wrong."""

import numpy as np
import pytest

import tinymm as tm
from tinymm.autograd import op, registry, saving


@pytest.fixture
def clean():
    """The registry as it was before the test."""
    before = dict(registry)
    yield
    registry.clear()
    registry.update(before)


def test_on_arrays_an_op_is_the_numpy_function(clean):
    @op
    def double(x):
        return saving(2 * x, unused=1)

    y = double(np.array([1.0, 2.0]))
    assert type(y) is np.ndarray
    np.testing.assert_array_equal(y, [2.0, 4.0])


def test_extras_defaults_and_keywords(clean):
    @op
    def scaled(x, factor=3.0, shift=1.0):
        return saving(x * factor + shift, slope=factor)

    @scaled.vjp
    def scaled_vjp(g, slope):
        return g * slope

    x = tm.tensor([1.0, 2.0], requires_grad=True)
    y = scaled(x, factor=5.0)
    np.testing.assert_array_equal(y.data, [6.0, 11.0])
    y.backward([1.0, 2.0])
    np.testing.assert_array_equal(x.grad, [5.0, 10.0])
    with pytest.raises(TypeError, match=r"scaled: takes \(x, factor, shift\); got an unexpected 'faktor'"):
        scaled(x, faktor=2.0)
    with pytest.raises(TypeError, match="scaled: argument 'x' is missing"):
        scaled()
    with pytest.raises(TypeError, match="scaled: got two values for 'x'"):
        scaled(x, x=x)


def test_several_results_and_unused_ones(clean):
    @op
    def parts(x):
        return x * 2, x * 3, np.argsort(x)

    @parts.vjp
    def parts_vjp(g):
        return g[0] * 2 + g[1] * 3

    x = tm.tensor([1.0, 2.0], requires_grad=True)
    double, triple, order = parts(x)
    assert not order.requires_grad and order.dtype.kind == "i"
    (double * 10.0).backward([1.0, 2.0])
    np.testing.assert_array_equal(x.grad, [20.0, 40.0])
    double, triple, _ = parts(x)
    d, = tm.grad([double, triple], x, [np.ones(2), np.ones(2)], create_graph=True)
    np.testing.assert_array_equal(d.data, [5.0, 5.0])


def test_a_sequence_of_inputs(clean):
    @op
    def total(tensors, weight):
        return sum(t * weight for t in tensors)

    @total.vjp
    def total_vjp(g, tensors, weight):
        return tuple((lambda: g * weight) for _ in tensors)

    a, b = tm.tensor([1.0], requires_grad=True), tm.tensor([2.0], requires_grad=True)
    total([a, np.ones(1, np.float32), b, a], 2.0).backward()
    assert a.grad == 4.0 and b.grad == 2.0


def test_any_number_of_operands_after_a_setting(clean):
    """Values, gradients, and second ones by the composite; errors count the operands."""
    @op
    def powers(exponent, *operands):                # Σ xᵢ^p
        return sum(np.asarray(x) ** exponent for x in operands)

    @powers.vjp
    def powers_vjp(g, exponent, operands):
        return tuple((lambda x=x: g * exponent * x ** (exponent - 1)) for x in operands)

    @powers.composite
    def powers_composite(exponent, *operands):
        total = operands[0] ** exponent
        for x in operands[1:]:
            total = total + x ** exponent
        return total

    leaves = [tm.tensor(np.array([2.0, k]), requires_grad=True) for k in (1.0, -1.0, 3.0)]
    for count in (1, 2, 3):
        several = leaves[:count]
        y = powers(3, *several)
        np.testing.assert_array_equal(y.data, sum(x.data**3 for x in several))
        first = tm.grad(y, several, np.ones(2), create_graph=True)
        for x, d in zip(several, first):
            np.testing.assert_allclose(d.data, 3 * x.data**2)
            np.testing.assert_allclose(tm.grad(d, x, np.ones(2), retain_graph=True)[0].data, 6 * x.data)
        plain = tm.grad(powers(3, *several), several, np.ones(2))
        assert all((a.data == b.data).all() for a, b in zip(plain, first))
    constant = np.array([5.0, 5.0])
    y = powers(2, constant, leaves[0])
    np.testing.assert_array_equal(tm.grad(y, leaves[0], np.ones(2))[0].data, 2 * leaves[0].data)
    assert type(powers(2, constant, constant)) is np.ndarray
    powers.vjp(lambda g, operands: tuple(g[:1].repeat(3) for _ in operands))
    with pytest.raises(ValueError, match="powers: the VJP gave input 1 of operands a gradient of shape"):
        powers(2, constant, leaves[0]).backward(np.ones(2))


def test_a_list_of_inputs_by_default_and_twice(clean):
    @op
    def weighted_total(tensors, weight=3.0):
        return sum(np.asarray(t) * weight for t in tensors)

    @weighted_total.vjp
    def weighted_total_vjp(g, tensors, weight):
        return tuple((lambda: g * weight) for _ in tensors)

    a, b = (tm.tensor([k], requires_grad=True) for k in (1.0, 2.0))
    y = weighted_total([a, b])
    np.testing.assert_array_equal(y.data, [9.0])
    y.backward()
    assert a.grad == b.grad == 3.0
    assert weighted_total(weight=2.0, tensors=[np.ones(1), np.ones(1)]) == 4.0
    assert weighted_total([[1.0], np.ones(1)], 1.0) == 2.0                            # a list in the list is an array


def test_several_results_of_a_composite(clean):
    @op
    def square_and_cube(x):
        return x**2, x**3

    @square_and_cube.vjp
    def square_and_cube_vjp(g, x):
        return g[0] * 2 * x + g[1] * 3 * x**2

    @square_and_cube.composite
    def square_and_cube_composite(x):
        return x * x, x * x * x

    x = tm.tensor(np.array([2.0, -3.0]), requires_grad=True)
    for used, first, second in (([0], 2 * x.data, 2), ([1], 3 * x.data**2, 6 * x.data),
                                ([0, 1], 2 * x.data + 3 * x.data**2, 2 + 6 * x.data)):
        results = [square_and_cube(x)[k] for k in used] if len(used) == 1 else list(square_and_cube(x))
        d, = tm.grad(results, x, [np.ones(2)] * len(used), create_graph=True)
        np.testing.assert_allclose(d.data, first)
        np.testing.assert_allclose(tm.grad(d, x, np.ones(2))[0].data, np.broadcast_to(second, 2))


def test_of_two_operands_one_may_be_a_list():
    """As numbers in the dtype of the other; a list that is no operand stays as it is."""
    x = tm.tensor(np.array([1.0, 2.0], np.float32), requires_grad=True)
    y = tm.functional.multiply(x, [3.0, 4.0])
    assert y.dtype == np.float32 and y.data.tolist() == [3.0, 8.0]
    assert tm.functional.multiply([3.0, 4.0], np.array([1.0, 2.0], np.float32)).dtype == np.float32
    assert tm.functional.reshape(np.ones((2, 3)), [3, 2]).shape == (3, 2)


def test_composite_is_what_is_differentiated_twice(clean):
    @op
    def cube(x, scale):
        return x**3 * scale

    @cube.vjp
    def cube_vjp(g, x, scale):
        out = np.empty_like(x)  # raw NumPy: could not record itself
        np.multiply(3 * scale, x * x, out=out)
        return g * out

    @cube.composite
    def cube_composite(x, scale):
        return x * x * x * scale

    base = tm.tensor(np.array([2.0, -1.0]), requires_grad=True)
    x = base * 1.0
    d, = tm.grad(cube(x, 5.0), x, np.ones(2), create_graph=True)
    np.testing.assert_allclose(d.data, 15 * x.data**2)
    dd, = tm.grad(d, base, np.ones(2))
    np.testing.assert_allclose(dd.data, 30 * x.data)


def test_a_composite_gives_partial_derivatives_when_one_input_depends_on_the_other(clean):
    @op
    def product(a, b):
        return a * b

    @product.vjp
    def product_vjp(g, a, b):
        return g * b, g * a

    @product.composite
    def product_composite(a, b):
        return a * b

    a = tm.tensor(np.array(3.0), requires_grad=True)
    b = a * a
    da, db = tm.grad(product(a, b), [a, b], create_graph=True)
    np.testing.assert_allclose(db.item(), 3.0)
    np.testing.assert_allclose(da.item(), 27.0)  # b + a · 2a: the whole derivative
    np.testing.assert_allclose(tm.grad(da, a)[0].item(), 18.0)


def test_a_composite_tells_its_inputs_apart_when_they_are_one_tensor(clean):
    """x x² at one x: 3x², 6x. The two places are one node of the graph, and each must get its own part only."""
    @op
    def weighted(a, b):
        return a * b * b

    @weighted.vjp
    def weighted_vjp(g, a, b):
        return g * b * b, g * 2 * a * b

    @weighted.composite
    def weighted_composite(a, b):
        return a * b * b

    @op
    def weighted_all(tensors):
        return tensors[0] * tensors[1] * tensors[1]

    @weighted_all.vjp
    def weighted_all_vjp(g, tensors):
        return g * tensors[1] ** 2, g * 2 * tensors[0] * tensors[1]

    @weighted_all.composite
    def weighted_all_composite(tensors):
        return tensors[0] * tensors[1] * tensors[1]

    for f in (lambda x: weighted(x, x), lambda x: weighted_all([x, x])):
        x = tm.tensor(np.array([3.0, -2.0]), requires_grad=True)
        d, = tm.grad(f(x), x, np.ones(2), create_graph=True)
        np.testing.assert_allclose(d.data, 3 * x.data**2)
        np.testing.assert_allclose(tm.grad(d, x, np.ones(2))[0].data, 6 * x.data)


def test_wrong_vjps_are_told(clean):
    x = tm.tensor([1.0, 2.0], requires_grad=True)

    @op
    def wrong(x, exponent=2):
        return x**exponent

    with pytest.raises(TypeError, match="op: the parameters of 'bad' must be positional"):
        @op
        def bad(x, *, dim):
            return x

    with pytest.raises(TypeError, match="first parameter is the cotangent g"):
        wrong.vjp(lambda y: y)
    wrong.vjp(lambda g, z: g)
    with pytest.raises(TypeError, match="wrong: the VJP asks for z"):
        wrong(x)
    wrong.vjp(lambda g: g[:1].repeat(3))
    with pytest.raises(ValueError,
                       match=r"wrong: the VJP gave input 'x' a gradient of shape \(3,\); its own shape is \(2,\)"):
        wrong(x).backward(np.ones(2))
    wrong.vjp(lambda g: g.sum())
    with pytest.raises(ValueError, match=r"wrong: the VJP gave input 'x' a gradient of shape \(\)"):
        wrong(x).backward(np.ones(2))
    wrong.vjp(lambda g: None)
    with pytest.raises(ValueError, match="wrong: argument 'x' is not differentiable"):
        wrong(x).backward(np.ones(2))
    exponent = tm.tensor(2.0, requires_grad=True)
    with pytest.raises(ValueError, match="wrong: argument 'exponent' is not differentiable"):
        wrong.vjp(lambda g: g)
        wrong(x, exponent).backward(np.ones(2))


def test_a_name_is_registered_once(clean):
    def exp(x):
        return x

    with pytest.raises(ValueError, match="'exp' is registered already, by tinymm.functional.elementwise"):
        op(exp)


def test_an_array_that_requires_grad_never_leaves_silently():
    x = tm.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match="would silently leave the tape"):
        np.asarray(x)
    np.testing.assert_array_equal(np.asarray(x.detach()), [1.0, 2.0])
