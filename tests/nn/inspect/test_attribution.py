"""Saliency is the gradient; integrated gradients add up to what the score gained; rollout follows every path."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm import nn
from tinymm.nn.inspect.attribution import gradient_times_input, integrated_gradients, saliency

seeds = st.integers(0, 2**32 - 1)


def smooth_model(rng, width=5, classes=3):
    """Two layers with tanh, in float64."""
    model = nn.Sequential(nn.Linear(width, 8, rng=rng), nn.Tanh(), nn.Linear(8, classes, rng=rng))
    return model.to(np.float64)


@given(seeds)
def test_saliency_is_the_magnitude_of_the_slope(seed):
    rng = np.random.default_rng(seed)
    model, x, target = smooth_model(rng), rng.standard_normal((4, 5)), rng.integers(0, 3, 4)
    found, step = saliency(model, x, target), 1e-6
    for i in range(4):
        for j in range(5):
            up, down = x.copy(), x.copy()
            up[i, j] += step
            down[i, j] -= step
            slope = (model(up).data[i, target[i]] - model(down).data[i, target[i]]) / (2 * step)
            assert found[i, j] == pytest.approx(abs(slope), abs=1e-7)


@given(seeds)
def test_gradient_times_input_is_the_slope_along_each_element(seed):
    """Scaling element j by 1 + h changes the score by h x_j ∂f/∂x_j."""
    rng = np.random.default_rng(seed)
    model, x, target = smooth_model(rng), rng.standard_normal((2, 5)), rng.integers(0, 3, 2)
    found, step = gradient_times_input(model, x, target), 1e-6
    for j in range(5):
        up, down = x.copy(), x.copy()
        up[:, j] *= 1 + step
        down[:, j] *= 1 - step
        slope = (model(up).data - model(down).data)[np.arange(2), target] / (2 * step)
        np.testing.assert_allclose(found[:, j], slope, atol=1e-7)


@given(seeds, st.integers(1, 5))
def test_of_a_quadratic_score_the_attributions_are_exact(seed, steps):
    """f_c = (w·x)²: its gradient is linear along the path, where the midpoint rule is exact with one step or five."""
    rng = np.random.default_rng(seed)
    w, x, start = rng.standard_normal((2, 4)), rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    target = rng.integers(0, 2, 3)

    def f(x):
        return F.linear(x, tm.tensor(w)) ** 2

    # φ_i = (x − x₀)_i w_i · w·(x + x₀), by integrating 2 w_i w·(x₀ + α(x − x₀)) over α on paper.
    expected = (x - start) * w[target] * ((x + start) * w[target]).sum(1, keepdims=True)
    np.testing.assert_allclose(integrated_gradients(f, x, start, target, steps), expected, rtol=1e-9, atol=1e-12)


@given(seeds)
def test_attributions_add_up_to_what_the_score_gained(seed):
    rng = np.random.default_rng(seed)
    model, x, start = smooth_model(rng), rng.standard_normal((3, 5)) * 2, rng.standard_normal(5)
    target = rng.integers(0, 3, 3)
    rows = np.arange(3)
    gained = model(x).data[rows, target] - model(np.broadcast_to(start, x.shape).copy()).data[rows, target]

    def missing(steps):
        return np.abs(integrated_gradients(model, x, start, target, steps).sum(1) - gained).max()

    assert missing(200) < 1e-4
    assert missing(200) < 0.1 * missing(20) + 1e-9  # as the square of the steps: a factor of 100 in the limit


def test_completeness_of_a_convolutional_network(rng):
    layers = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1, rng=rng), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)).eval()
    last = nn.Linear(4 * 9, 3, rng=rng)

    def model(x):
        return last(F.flatten(layers(x), 1))

    x = rng.random((3, 2, 6, 6), dtype=np.float32)
    phi = integrated_gradients(model, x, steps=300)
    scores, start = model(x).data, model(np.zeros_like(x)).data
    best, rows = scores.argmax(1), np.arange(3)
    gained = scores[rows, best] - start[rows, best]
    np.testing.assert_allclose(phi.sum((1, 2, 3)), gained, atol=0.02 * np.abs(gained).max())
    assert phi.dtype == np.float32 and np.abs(gained).max() > 0.05


def test_the_plain_gradient_lacks_completeness_where_the_score_is_saturated():
    """Sundararajan's example: f = 1 − relu(1 − x) at x = 2 has no slope, and yet x made the whole difference."""
    def f(x):
        return 1 - F.relu(1 - x)

    assert saliency(f, np.array([[2.0]]), [0]).item() == 0
    assert integrated_gradients(f, np.array([[2.0]]), steps=100).item() == pytest.approx(1)


def test_an_input_that_does_not_change_or_does_not_matter_gets_nothing(rng):
    w = tm.tensor(rng.standard_normal((2, 4)) * [1, 1, 0, 1])
    x = rng.standard_normal((3, 4))
    start = x.copy()
    start[:, 1:] += 1.0
    phi = integrated_gradients(lambda x: F.tanh(F.linear(x, w)), x, start)
    assert (phi[:, [0, 2]] == 0).all() and (phi[:, [1, 3]] != 0).all()


def test_the_model_is_left_as_it_was(rng):
    model = smooth_model(rng)
    with tm.no_grad():
        saliency(model, rng.standard_normal((2, 5)))
        integrated_gradients(model, rng.standard_normal((2, 5)), steps=2)
    assert all(p.grad is None for p in model.parameters())


def test_the_largest_channel_counts(rng):
    linear = nn.Linear(12, 2, rng=rng)
    x = rng.random((2, 3, 2, 2), dtype=np.float32)

    def model(x):
        return linear(F.flatten(x, 1))

    np.testing.assert_array_equal(saliency(model, x, axis=1), saliency(model, x).max(1))


@pytest.mark.parametrize("explain", [saliency, gradient_times_input, integrated_gradients])
def test_errors_name_the_rule(explain, rng):
    model = smooth_model(rng)
    with pytest.raises(ValueError,
                       match=rf"{explain.__name__}: x must be floats of shape \(B, ...\), B > 0; got int64 \(2, 5\)"):
        explain(model, np.zeros((2, 5), np.int64))
    with pytest.raises(ValueError, match=r"f must return scores \(B, K\) for B = 2; got \(2,\)"):
        explain(lambda x: x.sum(1), np.zeros((2, 5)))
    for target in ([0], [0, 3], [0, -1], [0.0, 1.0]):
        with pytest.raises(ValueError, match=r"target must be one class of 0\.\.2 for each of 2 examples"):
            explain(model, np.zeros((2, 5)), target=target)
    with pytest.raises(ValueError, match="steps must be at least 1; got 0"):
        integrated_gradients(model, np.zeros((2, 5)), steps=0)
