"""What the spec rows of cross-entropy cannot say: extremes, errors, known values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.testing.strategies import arrays, integers, shapes


def loss_and_gradient(x, *args, **kwargs):
    x = tm.tensor(x, requires_grad=True)
    loss = F.cross_entropy(x, *args, **kwargs)
    return loss.item(), tm.grad(loss, x)[0].data


def test_one_class_is_no_surprise():
    loss, d = loss_and_gradient(np.array([[1e4], [-3.0]]), np.array([0, 0]))
    assert loss == 0 and (d == 0).all()


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_indifferent_scores_cost_log_c(classes):
    loss, d = loss_and_gradient(np.full((3, classes), 7.0), np.array([0, 1, 1]))
    assert math.isclose(loss, math.log(classes), rel_tol=1e-12)
    np.testing.assert_allclose(d.sum(1), 0, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_scores(dtype):
    loss, d = loss_and_gradient(np.array([[1e4, -1e4], [1e4, -1e4]], dtype), np.array([0, 1]))
    assert loss == 1e4 and d.dtype == dtype
    np.testing.assert_array_equal(d, [[0, 0], [0.5, -0.5]])


def test_forbidden_classes_get_exactly_zero(rng):
    x = rng.standard_normal((4, 5))
    x[:, 3:] = -np.inf
    loss, d = loss_and_gradient(x, np.array([0, 1, 2, 0]))
    assert np.isfinite(loss) and (d[:, 3:] == 0).all()
    assert math.isclose(loss, F.cross_entropy(x[:, :3], np.array([0, 1, 2, 0])).item())


@given(shapes(2, 4), st.integers(0, 2**32 - 1))
def test_ignored_places_do_not_matter(shape, seed):
    rng = np.random.default_rng(seed)
    x, target = rng.standard_normal(shape), rng.integers(0, shape[1], shape[:1] + shape[2:])
    target.flat[1:] = np.where(rng.random(target.size - 1) < 0.5, -100, target.flat[1:])
    moved = x + rng.standard_normal(shape) * np.expand_dims(target == -100, 1)
    for smoothing in (0.0, 0.2):
        loss, d = loss_and_gradient(x, target, label_smoothing=smoothing)
        assert loss == F.cross_entropy(moved, target, label_smoothing=smoothing).item()
        assert (d * np.expand_dims(target == -100, 1) == 0).all()


@pytest.mark.parametrize("ignored", [-100, -1, 0, 2, 9])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
def test_any_number_may_mean_ignored(loss, reduction, ignored, rng):
    """As if the places were not there: the loss, its gradient, and the gradient that is recorded."""
    x, target, weight = rng.standard_normal((6, 3)), np.array([0, 1, 2, 0, 2, 1]), np.array([0.5, 2.0, 1.5])
    gone = target == ignored if ignored in target else np.array([0, 1, 0, 0, 1, 0], bool)
    marked = np.where(gone, ignored, target)
    x, kept = tm.tensor(x, requires_grad=True), tm.tensor(x[~gone], requires_grad=True)
    y = loss(x, marked, weight, ignored, reduction)
    expected = loss(kept, target[~gone], weight, reduction=reduction)
    if reduction == "none":
        assert (y.data[gone] == 0).all()
    np.testing.assert_allclose(y.data[~gone] if reduction == "none" else y.data, expected.data, rtol=1e-13)
    g = rng.standard_normal(y.shape)
    wanted = tm.grad(expected, kept, g[~gone] if reduction == "none" else g)[0].data
    for recorded in (False, True):
        d = tm.grad(y, x, g, retain_graph=True, create_graph=recorded)[0].data
        np.testing.assert_allclose(d[~gone], wanted, rtol=1e-12, atol=1e-15)
        assert (d[gone] == 0).all()


@given(shapes(2, 2).flatmap(lambda s: st.tuples(arrays(s), integers(s[:1], 0, s[1]))), st.sampled_from((0.0, 0.3)))
def test_an_index_is_a_distribution_of_one(call, smoothing):
    x, target = call
    one_hot = np.eye(x.shape[1])[target]
    np.testing.assert_allclose(F.cross_entropy(x, target, label_smoothing=smoothing),
                               F.cross_entropy(x, one_hot, label_smoothing=smoothing), rtol=1e-12)


@given(shapes(2, 3).flatmap(lambda s: st.tuples(arrays(s), integers(s[:1] + s[2:], 0, s[1]))))
def test_cross_entropy_is_the_nll_of_log_softmax(call):
    x, target = call
    np.testing.assert_allclose(F.cross_entropy(x, target), F.nll_loss(F.log_softmax(x, 1), target), rtol=1e-12)


def test_a_target_may_be_a_list():
    assert F.cross_entropy(np.zeros((2, 3)), [0, 2]) == F.cross_entropy(np.zeros((2, 3)), np.array([0, 2]))


def test_where_a_distribution_is_zero():
    """The gradient of its zeros is −ln p, but 0 where p is 0 too;
    a probability on a forbidden class costs all there is."""
    x, q = np.array([[0.5, -1.0, -np.inf]]), tm.tensor(np.array([[1.0, 0.0, 0.0]]), requires_grad=True)
    F.cross_entropy(x, q).backward()
    np.testing.assert_allclose(q.grad, [[*-F.log_softmax(x[0, :2], -1), 0]], rtol=1e-12)
    assert F.cross_entropy(x, np.array([[0.5, 0.0, 0.5]])) == np.inf


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
def test_errors_say_what_came(loss):
    x = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"lie in \[0, 3\) .*\(-100\); got 3"):
        loss(x, np.array([0, 3]))
    with pytest.raises(ValueError, match="got -1"):
        loss(x, np.array([-1, 0]))
    with pytest.raises(ValueError, match=r"all 2 are ignored"):
        loss(x, np.array([-100, -100]))
    with pytest.raises(ValueError, match=r"got \(3,\) for \(2, 3\)"):
        loss(x, np.array([0, 0, 0]))
    with pytest.raises(ValueError, match="one weight per class"):
        loss(x, np.array([0, 1]), weight=np.ones(2))
    with pytest.raises(ValueError, match="reduction"):
        loss(x, np.array([0, 1]), reduction="average")
    assert loss(x, np.array([-100, -100]), reduction="sum") == 0


def test_cross_entropy_errors():
    with pytest.raises(ValueError, match="label_smoothing"):
        F.cross_entropy(np.zeros((1, 2)), np.array([0]), label_smoothing=1.5)
    with pytest.raises(ValueError, match="shape of the input"):
        F.cross_entropy(np.zeros((1, 2)), np.zeros((1, 3)))
