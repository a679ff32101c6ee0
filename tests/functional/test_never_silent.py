"""No gradient is lost silently: copies, in-place updates, plain arrays, numbers; backward goes where forward went."""

import copy
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm import nn

AUGMENTED = {"+=": lambda a, b: a.__iadd__(b), "-=": lambda a, b: a.__isub__(b), "*=": lambda a, b: a.__imul__(b),
             "/=": lambda a, b: a.__itruediv__(b), "**=": lambda a, b: a.__ipow__(b)}
LEAVES = {"tensor": lambda: tm.tensor([1.0, 2.0], requires_grad=True), "Parameter": lambda: nn.Parameter([1.0, 2.0])}


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("make", LEAVES.values(), ids=LEAVES)
def test_the_gradient_of_a_copy_arrives_in_the_copy(duplicate, make):
    x = make()
    y = duplicate(x)
    assert type(y) is type(x) and y.requires_grad and y.is_leaf and y.grad is None
    assert np.shares_memory(x.data, y.data) == (duplicate is copy.copy)
    (y * 3).sum().backward()
    assert x.grad is None and y.grad.tolist() == [3, 3]
    (x * 5).sum().backward()
    assert x.grad.tolist() == [5, 5] and y.grad.tolist() == [3, 3]
    assert not duplicate(x.detach()).requires_grad


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_result_on_the_tape_is_no_leaf_to_copy(duplicate):
    with pytest.raises(ValueError, match="copy: only a leaf can be copied; this Tensor is the result of multiply"):
        duplicate(tm.tensor(1.0, requires_grad=True) * 2)


def test_a_deep_copy_of_a_module_trains_on_its_own(rng):
    model = nn.Sequential(nn.Linear(2, 3, rng=rng), nn.BatchNorm1d(3), nn.Linear(3, 1, rng=rng))
    model[2].tied = model[0].weight                                     # shared parameters stay shared
    other = copy.deepcopy(model)
    assert other[2].tied is other[0].weight
    x = tm.tensor(np.ones((4, 2), np.float32) * np.arange(4)[:, None])
    state = model.state_dict()
    other(x).sum().backward()
    assert all(p.grad is None for p in model.parameters())
    assert all(p.grad is not None for p in other.parameters())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, state[name])               # batch statistics too


@pytest.mark.parametrize("operator", AUGMENTED.values(), ids=AUGMENTED)
@pytest.mark.parametrize("make", LEAVES.values(), ids=LEAVES)
def test_a_leaf_changes_in_place_under_no_grad_and_not_while_the_tape_records(operator, make):
    x = make()
    array, expected = x.data, operator(x.data.copy(), np.float32(2))
    with pytest.raises(TypeError, match="a leaf that requires grad cannot be changed in place while the tape records"):
        operator(x, 2.0)
    with tm.no_grad():
        y = operator(x, 2.0)
        with pytest.raises(TypeError, match="the result must fit float32"):
            operator(x, np.ones((3, 2), np.float32))
    assert y is x and x.data is array and x.requires_grad and x.is_leaf
    np.testing.assert_array_equal(array, expected)


def test_augmented_operators_train():
    w = tm.tensor(3.0, requires_grad=True)
    for _ in range(50):
        w.grad = None
        (w * w).backward()
        with tm.no_grad():
            w -= 0.1 * w.grad
    assert abs(w.item()) < 1e-3
    frozen = nn.Parameter([1.0], requires_grad=False)
    alias = frozen
    frozen *= 2
    assert alias is frozen and frozen.data == 2
    y = before = w * 1                                                  # no leaf: a new Tensor of the same name
    y += 1
    assert y is not before and y.requires_grad and np.isclose(y.item(), before.item() + 1)


def assign(index):
    def call(array, x):
        array[index] = x
    return call


INTO_ARRAYS = [
    assign(0), assign((0,)), assign([0]), assign(slice(0, 1)), assign(...), assign(np.array([True, False])),
    lambda a, x: a.fill(x), lambda a, x: a.put([0], x), lambda a, x: a.flat.__setitem__(0, x),
    lambda a, x: np.put(a, [0], x), lambda a, x: np.copyto(a, x), lambda a, x: np.place(a, a == 0, x),
    lambda a, x: np.putmask(a, a == 0, x), lambda a, x: np.fromiter([x, x], float), lambda a, x: np.full(2, x),
    lambda a, x: np.add(a, x, out=a), lambda a, x: a.__iadd__(x), lambda a, x: np.sum(x, out=a),
    lambda a, x: np.array([x, x]), lambda a, x: np.asarray(x), lambda a, x: np.float64(x), lambda a, x: np.append(a, x),
    lambda a, x: np.zeros(2, int).__setitem__(0, x), lambda a, x: np.random.default_rng(0).normal(x),
    lambda a, x: float(x), lambda a, x: int(x), lambda a, x: complex(x), lambda a, x: math.exp(x),
]


@pytest.mark.parametrize("into", INTO_ARRAYS)
def test_a_gradient_does_not_vanish_into_plain_arrays_and_numbers(into):
    """NumPy turns the error of a single element into a ValueError, whose cause names the Tensor."""
    x = tm.tensor(np.float64(3.0), requires_grad=True)
    array = np.zeros(2)
    with pytest.raises((TypeError, ValueError)):
        into(array, x * x)
    assert not array.any()


def test_what_asks_for_no_gradient_goes_into_arrays():
    array, x = np.zeros(2), tm.tensor(np.float64(3.0), requires_grad=True)
    array[0] = x.detach()
    with tm.no_grad():
        array[1] = x * x
    assert array.tolist() == [3, 9] and float(x.detach()) == 3 == x.item()


@pytest.mark.parametrize("f, shape, expected", [
    (lambda x: F.permute(x, 0), (3,), None), (lambda x: F.permute(x, np.int64(0)), (3,), None),
    (lambda x: F.permute(x, [1, 0]), (2, 3), None), (lambda x: x.permute(0), (3,), None),
    (lambda x: np.transpose(x, 0), (3,), None),
    (lambda x: np.einsum(x, [0, 1], [1]), (2, 3), None), (lambda x: np.einsum(x, [0, 0]), (3, 3), np.eye(3)),
    (lambda x: np.einsum(x, [..., 1], np.ones(3), [1], [...]), (2, 3), None),
])
def test_backward_goes_where_forward_went(f, shape, expected):
    x = tm.tensor(np.random.default_rng(0).standard_normal(shape), requires_grad=True)
    y = f(x)
    y.backward(np.ones(y.shape))
    np.testing.assert_array_equal(x.grad, np.ones(shape) if expected is None else expected)


@given(st.integers(0, 2**32 - 1))
def test_einsum_with_lists_of_labels_is_that_with_letters(seed):
    a, b = (np.random.default_rng(seed).standard_normal((2, 3)) for _ in range(2))
    for labels, equation in (([0, 1], [2, 1], [2, 0]), "ab,cb->ca"), (([27, 1], [27, 1], []), "Bb,Bb->"):
        found = np.einsum(tm.tensor(a), labels[0], b, labels[1], labels[2])
        np.testing.assert_allclose(found.data, np.einsum(equation, a, b))
        np.testing.assert_allclose(found.data, np.einsum(a, labels[0], b, labels[1], labels[2]))
    np.testing.assert_allclose(np.einsum(tm.tensor(a), [0, 1], b, [2, 1]).data, np.einsum(a, [0, 1], b, [2, 1]))


def test_masked_fill_passes_a_gradient_to_its_value():
    x, value = tm.tensor(np.ones((2, 3)), requires_grad=True), tm.tensor(np.float64(5.0), requires_grad=True)
    mask = np.array([True, False, True])
    y = F.masked_fill(x, mask, value)
    y.backward(np.arange(6.0).reshape(2, 3))
    assert y.data.tolist() == [[5, 1, 5]] * 2 and value.grad == 0 + 2 + 3 + 5
    assert x.grad.tolist() == [[0, 1, 0], [0, 4, 0]]
    assert F.masked_fill(np.ones(3, np.float32), mask, np.array(0.5)).dtype == np.float32
    with pytest.raises(ValueError, match="masked_fill: value must be one number; got"):
        F.masked_fill(x, mask, np.ones(3))


@pytest.mark.parametrize("function, name", [(np.linalg.pinv, "np.linalg.pinv"), (np.fft.fft, "np.fft.fft"),
                                            (np.vander, "np.vander"), (np.linalg.svd, "np.linalg.svd"),
                                            (np.arctan, "np.arctan"), (np.strings.upper, "np.strings.upper")])
def test_errors_name_functions_as_users_write_them(function, name):
    with pytest.raises(TypeError, match=rf"^{name}: tinymm has no gradient for it"):
        function(tm.tensor([[1.0]]))


def test_batch_norm_needs_an_axis_of_channels():
    with pytest.raises(ValueError, match=r"batch_norm: x must be \(N, C, ...\); got \(3,\)"):
        F.batch_norm(np.ones(3), np.zeros(3), np.ones(3))


@pytest.mark.parametrize("layer, shape", [(nn.BatchNorm1d, (4, 3)), (nn.BatchNorm2d, (4, 3, 2, 2))])
def test_without_momentum_the_running_statistics_are_means_over_all_batches(layer, shape):
    layer, rng = layer(3, momentum=None), np.random.default_rng(0)
    batches = [rng.standard_normal(shape) for _ in range(3)]
    for x in batches:
        layer(tm.tensor(x))
    axes = (0, *range(2, len(shape)))
    np.testing.assert_allclose(layer.running_mean, np.mean([x.mean(axes) for x in batches], 0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.running_var, np.mean([x.var(axes, ddof=1) for x in batches], 0), rtol=1e-5)
    assert layer.eval()(tm.tensor(batches[0])).shape == shape
