"""Ends of the tape that formulas seldom touch: cotangents of another dtype, unused inputs, what is released, what a
Tensor is to Python."""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F
from tinymm.autograd import op, registry


@pytest.fixture
def clean():
    """The registry as it was before the test."""
    before = dict(registry)
    yield
    registry.clear()
    registry.update(before)


@pytest.mark.parametrize("cotangent", [np.array([1.0, 2.0]), [1.0, 2.0], np.array([1, 2]),
                                       tm.tensor(np.array([1.0, 2.0]))])
def test_a_cotangent_is_cast_to_its_output(cotangent):
    x = tm.tensor([3.0, 4.0], requires_grad=True)                                           # float32
    for d in (tm.grad(x * x, x, cotangent)[0].data, tm.grad(F.exp(F.log(x)), x, cotangent)[0].data):
        assert d.dtype == np.float32
    for recorded in (False, True):                                  # no node in between that would cast it
        assert tm.grad(x, x, cotangent, create_graph=recorded)[0].dtype == np.float32
    (x * 2.0).backward(cotangent)
    assert x.grad.dtype == np.float32 and x.grad.tolist() == [2.0, 4.0]


def test_an_unused_input_is_told_wherever_it_stands():
    x, y, z = (tm.tensor(2.0, requires_grad=True) for _ in range(3))
    for inputs, unused in (([y, x], 0), ([x, y], 1), ([x, z, y], 2)):
        with pytest.raises(ValueError, match=f"grad: no output depends on input {unused}"):
            tm.grad(x * z, inputs)
        found = tm.grad(x * z, inputs, allow_unused=True)
        assert [g is None for g in found] == [t is y for t in inputs]


def test_what_comes_back_is_a_tuple_also_of_outputs_without_cotangents():
    x = tm.tensor(3.0, requires_grad=True)
    for recorded in (False, True):
        found = tm.grad([x * x, 2 * x], x, create_graph=recorded)
        assert type(found) is tuple and found[0].item() == 8.0


def test_an_inner_result_is_asked_for_together_with_what_it_is_made_of():
    x = tm.tensor(3.0, requires_grad=True)
    y = x * x
    z = y * y
    assert [g.item() for g in tm.grad(z, [y, x, y])] == [18.0, 108.0, 18.0]


def test_a_walk_lets_go_of_what_was_saved():
    x = tm.tensor(np.ones((2, 3)), requires_grad=True)
    y = F.layer_norm(x * 2.0, 3)
    node = y._node
    assert node.inputs is not None
    y.backward(np.ones((2, 3)), retain_graph=True)
    assert node.inputs is not None
    y.backward(np.ones((2, 3)))
    assert node.inputs is None
    with pytest.raises(ValueError, match="layer_norm has already been walked"):
        y.backward(np.ones((2, 3)))


def test_a_gradient_may_be_a_number_when_it_is_recorded(clean):
    @op
    def tripled(x):
        return x * 3

    @tripled.vjp
    def tripled_vjp(g):
        return 3.0

    x = tm.tensor(2.0, requires_grad=True)
    d, = tm.grad(tripled(x), x, create_graph=True)
    assert isinstance(d, tm.Tensor) and d.shape == () and d.item() == 3.0


def test_an_input_that_the_composite_does_not_read_has_gradient_zero(clean):
    @op
    def first(a, b):
        return a * 1.0

    @first.vjp
    def first_vjp(g, b):
        return g, np.zeros_like(b)

    @first.composite
    def first_composite(a, b):
        return a * 1.0

    a, b = (tm.tensor(np.array([1.0, 2.0]), requires_grad=True) for _ in range(2))
    da, db = tm.grad(first(a, b), [a, b], np.array([5.0, 6.0]), create_graph=True)
    assert isinstance(db, tm.Tensor) and db.data.tolist() == [0, 0] and da.data.tolist() == [5, 6]
    assert first_composite(2.0, None) == 2.0 and first_vjp(1.0, np.ones(1))[0] == 1.0   # as the decorators give them


def test_an_op_keeps_its_name_and_its_words(clean):
    @op
    def named(x):
        """What it says."""
        return x

    assert (named.__name__, named.__doc__) == ("named", "What it says.")
    assert registry["named"] is named and named.op.forward is named.__wrapped__


def test_what_a_tensor_is_to_python():
    x = tm.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    rows = list(x)
    assert [row.data.tolist() for row in rows] == [[1, 2], [3, 4]] and len(x) == 2
    (rows[1] * 5.0).sum().backward()
    assert x.grad.tolist() == [[0, 0], [5, 5]]
    assert bool(tm.tensor(2.0)) is True and bool(tm.tensor([0])) is False
    assert float(tm.tensor([2.0])) == 2.0 and type(tm.tensor([2.0]).numpy()) is np.ndarray
    assert tm.tensor([2.0]).__array__(np.float64).dtype == np.float64
    assert float(tm.tensor(3)) == 3.0 and type(float(tm.tensor(3))) is float
    assert int(tm.tensor(3.7)) == 3 and [10, 20, 30][tm.tensor(1)] == 20


def test_how_a_tensor_looks():
    assert repr(tm.tensor(1 / 3)) == "tensor(0.3333)"
    assert repr(tm.tensor(np.array([1.5]), requires_grad=True)) == "tensor([1.5], dtype=float64, requires_grad=True)"
    assert repr(tm.tensor([1.5], requires_grad=True) * 2.0) == "tensor([3.], op=multiply)"
    assert "..." not in repr(tm.tensor(np.zeros(60))) and "..." in repr(tm.tensor(np.zeros(61)))
