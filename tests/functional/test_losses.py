"""What the spec rows of the losses cannot say: extremes and errors."""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F

PAIRED = [F.mse_loss, F.l1_loss, F.huber_loss, F.smooth_l1_loss, F.kl_div, F.binary_cross_entropy_with_logits]


@pytest.mark.parametrize("loss", PAIRED)
def test_shapes_are_never_broadcast(loss):
    with pytest.raises(ValueError, match=rf"{loss.op.name}: .* one shape; got \(3,\) and \(3, 1\)"):
        loss(np.zeros(3), np.zeros((3, 1)))


@pytest.mark.parametrize("loss", PAIRED)
def test_reductions(loss):
    with pytest.raises(ValueError, match="reduction is .* got 'average'"):
        loss(np.zeros(3), np.zeros(3), reduction="average")
    with pytest.raises(ValueError, match="mean over no elements"):
        loss(np.zeros((0, 3)), np.zeros((0, 3)))
    assert loss(np.zeros((0, 3)), np.zeros((0, 3)), reduction="sum") == 0


def test_thresholds_are_positive():
    with pytest.raises(ValueError, match="huber_loss: delta"):
        F.huber_loss(np.zeros(1), np.zeros(1), delta=0.0)
    with pytest.raises(ValueError, match="smooth_l1_loss: beta"):
        F.smooth_l1_loss(np.zeros(1), np.zeros(1), beta=0.0)


def test_binary_cross_entropy_at_extreme_scores():
    x = tm.tensor(np.array([1e4, 1e4, -1e4, -1e4]), requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, np.array([1.0, 0.0, 1.0, 0.0]), reduction="none")
    np.testing.assert_array_equal(loss.data, [0, 1e4, 1e4, 0])
    loss.backward(np.ones(4))
    np.testing.assert_array_equal(x.grad, [0, 1, -1, 0])


def test_kl_div_of_a_certain_target(rng):
    log_p = F.log_softmax(rng.standard_normal((2, 3)), -1)
    target = np.eye(3)[[0, 2]]
    target_tensor = tm.tensor(target, requires_grad=True)
    loss = F.kl_div(log_p, target_tensor, reduction="sum")
    np.testing.assert_allclose(loss.data, -log_p[0, 0] - log_p[1, 2])
    loss.backward()
    assert np.isfinite(target_tensor.grad).all()
    with pytest.raises(ValueError, match="reduction"):
        F.mse_loss(target, target, reduction="batchmean")


def test_kl_div_is_zero_only_at_the_target(rng):
    p, q = F.softmax(rng.standard_normal((2, 50, 4)), -1)
    assert abs(F.kl_div(np.log(p), p, reduction="batchmean")) < 1e-15
    assert (F.kl_div(np.log(p), q, reduction="none").sum(-1) > 0).all()


@pytest.mark.parametrize("loss", PAIRED)
def test_reductions_are_those_of_the_elements(loss, rng):
    x, target = rng.standard_normal((3, 4)), rng.uniform(0.1, 0.9, (3, 4))
    each = loss(x, target, reduction="none")
    assert each.shape == (3, 4)
    np.testing.assert_allclose(loss(x, target), each.sum() / 12, rtol=1e-13)
    np.testing.assert_allclose(loss(x, target, reduction="sum"), each.sum(), rtol=1e-13)
    if loss is F.kl_div:
        np.testing.assert_allclose(loss(x, target, reduction="batchmean"), each.sum() / 3, rtol=1e-13)


@pytest.mark.parametrize("reduction, share", [("mean", 1 / 5), ("sum", 1), ("none", 1)])
@pytest.mark.parametrize("threshold", [0.5, 1.0, 3.0])
def test_thresholds_on_paper(threshold, reduction, share):
    """Within δ, d²/2 with slope d; beyond, δ|d| − δ²/2 with slope ±δ. Smooth L1 is this divided by δ."""
    d = np.array([-4.0, -2.0, 0.25, 0.0, 3.5])
    near = np.abs(d) < threshold
    value = np.where(near, d * d / 2, threshold * np.abs(d) - threshold**2 / 2)
    slope = np.where(near, d, threshold * np.sign(d))
    for loss, scale in ((F.huber_loss, 1), (F.smooth_l1_loss, threshold)):
        x = tm.tensor(d + 1, requires_grad=True)
        y = loss(x, np.ones(5), reduction, threshold)
        np.testing.assert_allclose(y.data, (value if reduction == "none" else share * value.sum()) / scale, rtol=1e-14)
        y.backward(np.ones(y.shape))
        np.testing.assert_allclose(x.grad, share * slope / scale, rtol=1e-14)


def test_second_derivative_of_the_square_is_two():
    x = tm.tensor(np.array([3.0]), requires_grad=True)
    d, = tm.grad(F.mse_loss(x, np.array([1.0])), x, create_graph=True)
    assert tm.grad(d, x)[0].item() == 2


@pytest.mark.parametrize("target", [np.array([0, 1, 1]), np.array([False, True, True])])
def test_weights_are_not_rounded_to_the_dtype_of_the_target(target):
    x, options = np.array([0.5, -1.0, 2.0]), \
        dict(weight=[0.25, 1.5, 0.75], pos_weight=[2.5, 0.5, 1.25], reduction="none")
    found = []
    for t in (target, target.astype(float)):
        scores = tm.tensor(x, requires_grad=True)
        F.binary_cross_entropy_with_logits(
            scores, t, **{k: np.array(v) if k != "reduction" else v for k, v in options.items()}
        ).backward(np.array([1.0, 2.0, 3.0]))
        found.append(scores.grad)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("kind", [np.int64, np.int8, bool])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("loss", PAIRED)
def test_targets_of_whole_numbers_promote_nothing(loss, reduction, kind, rng):
    """NumPy makes float64 of float32 and int64."""
    t = np.array([[0, 1, 1], [1, 0, 1]])
    x, same = (tm.tensor(rng.uniform(-1, 1, t.shape).astype(np.float32), requires_grad=True) for _ in range(2))
    same.data = x.data
    y, expected = loss(x, t.astype(kind), reduction=reduction), loss(same, t.astype(np.float32), reduction=reduction)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y.data, expected.data)
    g = rng.standard_normal(y.shape)
    np.testing.assert_allclose(tm.grad(y, x, g)[0].data, tm.grad(expected, same, g)[0].data, rtol=1e-6)


def test_a_perfect_prediction_gets_no_gradient():
    """Also |x − t| at its corner, where 0 is chosen."""
    for loss in (F.mse_loss, F.l1_loss, F.huber_loss, F.smooth_l1_loss):
        x = tm.tensor(np.array([1.0, -2.0]), requires_grad=True)
        loss(x, x.data.copy()).backward()
        np.testing.assert_array_equal(x.grad, 0)


def test_an_impossible_class_gets_no_gradient_from_kl_div():
    """t ln t − t x at t = 0, where the slope has no bound: 0 is chosen."""
    t = tm.tensor(np.array([0.0, 0.5]), requires_grad=True)
    F.kl_div(np.log([0.25, 0.75]), t, reduction="sum").backward()
    np.testing.assert_allclose(t.grad, [0, np.log(0.5 / 0.75) + 1], rtol=1e-14)
