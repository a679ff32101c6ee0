"""The walk back along the tape: order, sharing, release, memory."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.autograd import registry


def leaf(values, dtype=np.float64):
    return tm.tensor(np.asarray(values, dtype), requires_grad=True)


@given(st.integers(0, 2**32 - 1))
def test_shared_subexpressions_sum_their_cotangents(seed):
    rng = np.random.default_rng(seed)
    x, g = rng.standard_normal(5), rng.standard_normal(5)
    t = leaf(x)
    shared = t * t
    (shared * t + F.exp(shared) - shared).backward(g)
    np.testing.assert_allclose(t.grad, g * (3 * x**2 + 2 * x * np.exp(x**2) - 2 * x), rtol=1e-12)


def test_same_tensor_twice():
    x = leaf([3.0, -2.0])
    (x * x).backward([1.0, 10.0])
    np.testing.assert_array_equal(x.grad, [6.0, -40.0])


def test_backward_accumulates_into_grad():
    x = leaf([1.0, 2.0])
    (x * 3).backward([1.0, 1.0])
    (x * 4).backward([1.0, 2.0])
    np.testing.assert_array_equal(x.grad, [7.0, 11.0])


def test_the_grad_of_a_number_stays_an_array():
    x = leaf(2.0)
    for k in (1, 2, 3):
        (x * 3).backward()
        assert type(x.grad) is np.ndarray and x.grad.shape == () and x.grad == 3 * k


def test_grads_of_two_leaves_never_share_memory():
    a, b, g = leaf([1.0, 2.0]), leaf([3.0, 4.0]), np.array([1.0, 5.0])
    (a + b).backward(g)
    assert not np.shares_memory(a.grad, b.grad) and not np.shares_memory(a.grad, g)
    a.grad += 1
    np.testing.assert_array_equal(b.grad, [1.0, 5.0])


def test_gradients_that_are_returned_never_share_memory():
    a, b, g = leaf([[1.0, 2.0]]), leaf([[3.0, 4.0]]), np.array([1.0, 5.0])
    s = a + b                                               # hands its cotangent on to both
    y = F.reshape(s, (2,))                                  # and that is a view of g
    found = [d.data for d in tm.grad(y, [y, s, a, b, a], g)]
    for i, d in enumerate(found):
        np.testing.assert_array_equal(d.ravel(), g)
        assert d.flags.writeable
        assert not any(np.shares_memory(d, other) for other in [g, a.data, b.data, y.data, *found[:i]])


def test_a_gradient_of_its_own_is_not_copied(monkeypatch):
    made = []

    def exp_vjp(g, y):
        made.append(g * y)
        return made[-1]

    monkeypatch.setattr(registry["exp"].op, "pull", exp_vjp)
    x = leaf([1.0, 2.0])
    dx, = tm.grad(F.exp(x), x, np.array([1.0, 5.0]))
    assert dx.data is made[0]


def test_second_backward_without_retain_is_an_error_naming_the_op():
    x = leaf([1.0])
    y = F.exp(x)
    y.backward()
    with pytest.raises(ValueError, match="exp .*released.*retain_graph=True"):
        y.backward()


def test_a_leaf_that_nobody_holds_any_more_is_passed_over():
    w = tm.tensor(2.0, requires_grad=True)
    y = tm.tensor(3.0, requires_grad=True) * w
    gc.collect()
    y.backward()
    assert w.grad == 3.0


def test_retain_graph_walks_twice():
    x = leaf([2.0])
    y = F.exp(x * x)
    y.backward(retain_graph=True)
    once = x.grad.copy()
    y.backward()
    np.testing.assert_array_equal(x.grad, 2 * once)


def test_a_graph_released_below_is_an_error_above():
    x = leaf([2.0])
    middle = F.exp(x)
    middle.backward()
    with pytest.raises(ValueError, match="released"):
        (middle * 2).backward()


def test_a_released_branch_is_an_error_and_never_left_out_of_a_gradient():
    x = leaf([1.0, 2.0])
    walked = x * x
    walked.backward([1.0, 1.0])
    for allow_unused in (False, True):
        with pytest.raises(ValueError, match="multiply .*released"):
            tm.grad(walked + x, x, np.ones(2), allow_unused=allow_unused)
    # need not enter it
    np.testing.assert_array_equal(tm.grad(walked + x, walked, np.array([3.0, 4.0]))[0].data, [3.0, 4.0])


def test_grad_of_an_intermediate_result():
    x = leaf([2.0, 3.0])
    middle = x * x
    y = middle * middle
    d_middle, d_x = tm.grad(y, [middle, x], np.array([1.0, 10.0]))
    np.testing.assert_allclose(d_middle.data, [8.0, 180.0])
    np.testing.assert_allclose(d_x.data, [32.0, 1080.0])
    assert x.grad is None


def test_grad_of_an_output_with_respect_to_itself():
    x = leaf([2.0, 3.0])
    y = x * x
    np.testing.assert_array_equal(tm.grad(y, y, np.array([4.0, 5.0]))[0].data, [4.0, 5.0])
    np.testing.assert_array_equal(tm.grad(x, x, np.array([4.0, 5.0]))[0].data, [4.0, 5.0])


def test_grad_with_several_outputs():
    x = leaf([2.0])
    d, = tm.grad([x * x, F.exp(x), x * x], x, [np.array([1.0]), np.array([2.0]), np.array([3.0])])
    np.testing.assert_allclose(d.data, 4 * 4.0 + 2 * np.exp(2.0))


def test_grad_with_the_same_number_as_output_twice():
    x = leaf([2.0, 3.0])
    y = x[1]
    for create_graph in (False, True):
        of_y, of_x = tm.grad([y, y], [y, x], [np.array(1.0), np.array(10.0)], retain_graph=True,
                             create_graph=create_graph)
        assert type(of_y.data) is np.ndarray and of_y.item() == 11.0
        np.testing.assert_array_equal(of_x.data, [0.0, 11.0])


def test_only_what_leads_to_the_inputs_is_computed():
    calls = []

    @tm.op
    def spied(a, b):
        return a * b

    @spied.vjp
    def spied_vjp(g, a, b):
        return lambda: calls.append("a") or g * b, lambda: calls.append("b") or g * a

    try:
        a, b = leaf([1.0]), leaf([2.0])
        tm.grad(spied(F.exp(a), b), b)
        assert calls == ["b"]
    finally:
        del tm.autograd.registry["spied"]


def test_unused_input():
    x, z = leaf([1.0]), leaf([1.0])
    with pytest.raises(ValueError, match="no output depends on input 1"):
        tm.grad(x * x, [x, z])
    assert tm.grad(x * x, [x, z], allow_unused=True)[1] is None


def test_wrong_requests_are_named():
    x = leaf([1.0, 2.0])
    with pytest.raises(ValueError, match=r"backward: an output of shape \(2,\) needs a cotangent"):
        (x * x).backward()
    with pytest.raises(ValueError,
                       match=r"backward: the cotangent must have the shape of the output, \(2,\); got \(3,\)"):
        (x * x).backward(np.ones(3))
    with pytest.raises(ValueError, match="does not require grad"):
        tm.tensor([1.0]).backward()
    with pytest.raises(ValueError, match="grad: input 0 does not require grad"):
        tm.grad(x * x, tm.tensor([1.0]), np.ones(2))
    with pytest.raises(ValueError, match="only floating-point tensors have gradients; got int64"):
        tm.tensor([1, 2], requires_grad=True)
    with pytest.raises(ValueError, match="only a leaf can be switched"):
        (x * x).requires_grad = False
    with pytest.raises(TypeError, match="setitem"):
        x[0] = 3.0


def test_detach_and_no_grad_stop_the_tape():
    x = leaf([2.0])
    y = x * (x * x).detach()
    y.backward()
    np.testing.assert_array_equal(x.grad, [4.0])
    with tm.no_grad():
        assert not (x * x).requires_grad
        with tm.enable_grad():
            assert (x * x).requires_grad
    assert (x * x).requires_grad
    with pytest.raises(ZeroDivisionError), tm.no_grad():
        1 / 0
    assert tm.is_grad_enabled()


def test_broadcast_gradients_are_summed_to_the_shape_of_the_input():
    a, b, c = leaf(np.ones((3, 1))), leaf(np.ones((1, 4))), leaf(2.0)
    g = np.random.default_rng(0).standard_normal((2, 3, 4))
    (a * b * c * np.ones((2, 1, 1))).backward(g)
    np.testing.assert_allclose(a.grad, 2 * g.sum((0, 2), keepdims=True)[0])
    np.testing.assert_allclose(b.grad, 2 * g.sum((0, 1), keepdims=True)[0])
    np.testing.assert_allclose(c.grad, g.sum())


def test_gradients_come_back_in_the_dtype_of_their_input():
    a, b = leaf([1.0, 2.0], np.float32), leaf([3.0, 4.0], np.float64)
    y = a * b
    assert y.dtype == np.float64
    y.backward(np.ones(2) * 0.1)
    assert a.grad.dtype == np.float32 and b.grad.dtype == np.float64
    assert (a * np.float64(0.1)).dtype == np.float32  # a NumPy scalar is a number, not an array


def test_third_derivative():
    x = leaf(1.3)
    y = F.exp(x) * x
    for _ in range(3):
        y, = tm.grad(y, x, create_graph=True)
    np.testing.assert_allclose(y.item(), np.exp(1.3) * (1.3 + 3), rtol=1e-12)


def test_backward_through_a_gradient():
    x = leaf([1.0, 2.0])
    d, = tm.grad((x * x * x).sum(), x, create_graph=True)
    (d * np.array([1.0, 10.0])).sum().backward()
    np.testing.assert_allclose(x.grad, [6.0, 120.0])


def test_a_long_tape_needs_no_recursion_and_leaves_no_garbage():
    gc.collect()
    gc.disable()
    try:
        x = leaf([1.0, 2.0])
        y = x
        for _ in range(100_000):
            y = y * 0.99999
        middle, kept = weakref.ref(y._node), y
        y.backward(np.ones(2))
        np.testing.assert_allclose(x.grad, 0.99999**100_000, rtol=1e-9)
        del y, kept
        assert middle() is None
        never_walked = x
        for _ in range(100_000):
            never_walked = never_walked * 0.5
        end = weakref.ref(never_walked._node)
        del never_walked
        assert end() is None
        del x
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_double_backward_leaves_no_garbage():
    gc.collect()
    gc.disable()
    try:
        x = leaf([1.0, 2.0])
        d, = tm.grad(F.exp(x * x).sum(), x, create_graph=True)
        tm.grad(d.sum(), x)
        del d, x
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_saved_arrays_are_released_as_the_walk_consumes_them():
    x = leaf(np.ones(1000))
    y = F.exp(F.exp(x) * 1e-3)
    saved = [weakref.ref(node_array) for node_array in y._node.saved if isinstance(node_array, np.ndarray)]
    y_data = weakref.ref(y.data)
    loss = y.sum()
    del y
    assert y_data() is not None  # exp saved its result
    loss.backward()
    assert y_data() is None and all(ref() is None for ref in saved)


def test_the_tape_keeps_only_what_the_vjp_names():
    x = leaf(np.ones(10))
    middle = x * 2.0 + 1.0  # add names nothing, multiply names its arguments
    data = weakref.ref(middle.data)
    y = middle + 1.0
    del middle
    assert data() is None and y.requires_grad


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (2,), (2, 1)])
def test_a_cotangent_with_or_without_a_list_around_it(shape):
    """A list of one element is the cotangent of an output of one element; or a list with one cotangent in it."""
    x = tm.tensor(np.ones(shape), requires_grad=True)
    y = x * 3.0
    g = np.arange(1.0, 1 + x.size).reshape(shape)
    numbers = g.tolist()
    for given in (g, [g], (g,), numbers, [numbers], tm.tensor(g), [tm.tensor(g)], [tm.tensor(g, requires_grad=True)]):
        for outputs in (y, [y]):
            d, = tm.grad(outputs, x, given, retain_graph=True, create_graph=isinstance(given, list))
            np.testing.assert_array_equal(d.data, 3 * g)
    for wrong in (np.ones((3, 3)), [np.ones((3, 3))], [tm.tensor(np.ones((3, 3)))], [1.0, 2.0, 3.0]):
        with pytest.raises(ValueError, match=r"grad: the cotangent must have the shape of the output, .*; got"):
            tm.grad(y, x, wrong, retain_graph=True)
    for several in ([g], g, [g] * 3):
        with pytest.raises(ValueError, match=r"grad: one cotangent per output; got (\d|ndarray) for 2 outputs"):
            tm.grad([y, y], x, several, retain_graph=True)
    if x.size == 1:
        for given in (None, [None]):
            assert tm.grad(y, x, given, retain_graph=True)[0].item() == 3


def test_an_op_looks_at_its_own_thread_while_another_has_a_block_open():
    from threading import Event, Thread

    from tinymm.autograd.mode import unusual

    opened, done, seen = Event(), Event(), []

    def other():
        with tm.no_grad(), tm.debug():
            opened.set()
            done.wait()
            seen.append(tm.functional.exp(tm.tensor([1.0], requires_grad=True)).requires_grad)

    thread = Thread(target=other)
    thread.start()
    opened.wait()
    x = tm.tensor([1.0], requires_grad=True)
    assert unusual and tm.functional.exp(x).requires_grad and (x * x).requires_grad \
        and not tm.functional.exp(x)._node.where
    done.set()
    thread.join()
    assert seen == [False] and not unusual
    for block in (tm.no_grad, tm.debug):
        with pytest.raises(KeyError), block():
            raise KeyError
    assert not unusual


def test_grad_mode_belongs_to_its_thread():
    from threading import Thread
    seen = []
    with tm.no_grad():
        thread = Thread(target=lambda: seen.append(tm.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]
