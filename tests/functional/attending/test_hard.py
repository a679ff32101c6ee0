"""Drawing locations: the right frequencies, nothing from what is hidden;
straight-through gradients as they are meant."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F

SEEDS = st.integers(0, 2**32 - 1)
DRAWS = 20_000


def within(frequency, p, errors=4):
    """Frequencies of DRAWS draws, within so many standard errors of the probabilities."""
    return (np.abs(frequency - p) <= errors * np.sqrt(p * (1 - p) / DRAWS) + 1e-12).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(3))
def test_locations_come_as_often_as_their_weights_say(seed, dtype):
    rng = np.random.default_rng(seed)
    alpha = F.softmax(rng.standard_normal(5).astype(dtype), -1)
    alpha[2] = 0
    alpha /= alpha.sum()
    drawn = F.sampled_weights(np.broadcast_to(alpha, (DRAWS, 5)), rng)
    assert drawn.dtype == dtype and set(drawn.ravel().tolist()) == {0.0, 1.0} and (drawn.sum(-1) == 1).all()
    assert within(drawn.mean(0), alpha) and not drawn[:, 2].any()


@pytest.mark.parametrize("tau", [0.1, 1.0, 10.0])
def test_the_largest_noisy_score_is_a_draw_at_every_temperature(tau):
    rng = np.random.default_rng(1)
    e = rng.standard_normal(4)
    y = F.gumbel_softmax(np.broadcast_to(e, (DRAWS, 4)), tau, hard=True, rng=rng)
    assert within(y.mean(0), F.softmax(e, -1))
    soft = F.gumbel_softmax(np.broadcast_to(e, (DRAWS, 4)), tau, rng=np.random.default_rng(2))
    hard = F.gumbel_softmax(np.broadcast_to(e, (DRAWS, 4)), tau, hard=True, rng=np.random.default_rng(2))
    np.testing.assert_array_equal(hard.argmax(-1), soft.argmax(-1))
    np.testing.assert_allclose(soft.sum(-1), 1)


@given(SEEDS)
def test_the_likeliest_is_the_first_of_the_largest(seed):
    alpha = np.random.default_rng(seed).integers(0, 4, (3, 5)) / 4.0
    for row, one_hot in zip(alpha, F.likeliest_weights(alpha)):
        assert one_hot.tolist() == ([float(s == row.argmax()) for s in range(5)] if row.any() else [0.0] * 5)
    assert F.likeliest_weights(np.array([[-np.inf, -3.0]])).tolist() == [[0, 1]]
    scores = np.array([[[-3.0, 0.0, -1.0], [-np.inf, 0.0, 0.0], [-np.inf, -np.inf, -np.inf]]])
    assert F.likeliest_weights(scores).tolist() == [[[0, 1, 0], [0, 1, 0], [0, 0, 0]]]
    assert F.likeliest_weights(np.array([[[0.2, 0.8, 0.0], [0.0, 0.0, 0.0]]])).tolist() == [[[0, 1, 0], [0, 0, 0]]]
    of_tensor = F.likeliest_weights(tm.tensor(alpha.astype(np.float32)[:, None], requires_grad=True))
    np.testing.assert_array_equal(of_tensor.data, F.likeliest_weights(alpha)[:, None])
    assert of_tensor.dtype == np.float32 and not of_tensor.requires_grad


@given(SEEDS)
def test_hidden_locations_are_never_drawn(seed):
    rng = np.random.default_rng(seed)
    scores, mask = tm.tensor(rng.standard_normal((4, 6)), requires_grad=True), rng.random((4, 6)) < 0.5
    mask[0] = False
    alpha = F.attention_weights(scores, mask)
    logits = F.where(mask, scores, -np.inf)
    for y in (F.sampled_weights(alpha, rng), F.likeliest_weights(alpha), F.gumbel_softmax(logits, 0.7, rng=rng),
              F.gumbel_softmax(logits, 0.7, hard=True, rng=rng)):
        assert not y.data[~mask].any()
        np.testing.assert_allclose(y.data.sum(-1), mask.any(-1), atol=1e-12)
        if y.requires_grad:
            assert not tm.grad(y, scores, rng.standard_normal(y.shape), retain_graph=True)[0].data[~mask].any()


def test_log_probability_and_entropy_of_a_stack(rng):
    """The last axis holds the locations, however many are in front."""
    scores, mask = rng.standard_normal((2, 3, 4)), rng.random((2, 3, 4)) < 0.8
    choice = F.likeliest_weights(F.where(mask, scores, -np.inf))
    for b in range(2):
        np.testing.assert_allclose(F.location_log_probability(scores, choice, mask)[b],
                                   F.location_log_probability(scores[b], choice[b], mask[b]), atol=1e-14)
        np.testing.assert_allclose(F.attention_entropy(scores, mask)[b],
                                   F.attention_entropy(scores[b], mask[b]), atol=1e-14)


@given(SEEDS)
def test_log_probability_and_entropy_where_some_are_hidden(seed):
    """Finite values, no gradient for what is hidden, and that of a row that may attend to nothing is zero."""
    rng = np.random.default_rng(seed)
    scores, mask = tm.tensor(rng.standard_normal((4, 6)), requires_grad=True), rng.random((4, 6)) < 0.6
    mask[0], mask[1, 0] = False, True
    alpha = F.attention_weights(scores, mask).data
    choice = F.sampled_weights(alpha, rng)
    log_p, H = F.location_log_probability(scores, choice, mask), F.attention_entropy(scores, mask)
    np.testing.assert_allclose(np.exp(log_p.data[1:])[mask[1:].any(-1)], alpha[choice == 1])
    assert log_p.data[0] == H.data[0] == 0 and (H.data <= np.log(np.maximum(mask.sum(-1), 1)) + 1e-12).all()
    for y in (log_p, H):
        d, = tm.grad(y, scores, rng.standard_normal(4))
        assert np.isfinite(d.data).all() and not d.data[~mask].any()


def test_drawing_is_a_constant_and_straight_through_is_not(rng):
    e = tm.tensor(rng.standard_normal((3, 4)), requires_grad=True)
    alpha = F.softmax(e, -1)
    hard = F.sampled_weights(alpha, rng)
    assert not hard.requires_grad and not F.likeliest_weights(alpha).requires_grad
    y, g = F.straight_through(hard, alpha), rng.standard_normal((3, 4))
    np.testing.assert_array_equal(y.data, hard.data)
    np.testing.assert_array_equal(tm.grad(y, e, g, retain_graph=True)[0].data, tm.grad(alpha, e, g)[0].data)


def test_a_hard_gumbel_has_the_gradient_of_the_soft_one(rng):
    e, g = tm.tensor(rng.standard_normal((3, 4, 2)), requires_grad=True), rng.standard_normal((3, 4, 2))
    soft, hard = (F.gumbel_softmax(e, 0.5, hard, dim=1, rng=np.random.default_rng(3)) for hard in (False, True))
    assert (hard.data.sum(1) == 1).all() and set(hard.data.ravel().tolist()) == {0.0, 1.0}
    np.testing.assert_array_equal(tm.grad(hard, e, g)[0].data, tm.grad(soft, e, g)[0].data)
    for dim in (0, 1, 2, -2):
        soft, hard = (F.gumbel_softmax(e.data, 0.5, hard, dim, rng=np.random.default_rng(4)) for hard in (False, True))
        np.testing.assert_array_equal(hard, soft == soft.max(dim, keepdims=True))


def test_a_hard_value_that_asks_for_a_gradient_gets_none(rng):
    hard, soft = (tm.tensor(rng.standard_normal(3), requires_grad=True) for _ in range(2))
    F.straight_through(hard, soft).backward(np.ones(3))
    assert hard.grad is None and soft.grad.tolist() == [1, 1, 1]


def test_float32_is_kept(rng):
    e = rng.standard_normal((3, 4)).astype(np.float32)
    choice = F.sampled_weights(F.softmax(e, -1), rng)
    for y in (choice, F.gumbel_softmax(e, 0.7, rng=rng), F.gumbel_softmax(e, 0.7, hard=True, rng=rng),
              F.location_log_probability(e, choice), F.attention_entropy(e), F.straight_through(choice, e)):
        assert y.dtype == np.float32


def test_errors(rng):
    with pytest.raises(ValueError, match="gumbel_softmax: tau must be positive; got 0"):
        F.gumbel_softmax(np.zeros(3), 0, rng=rng)
    with pytest.raises(TypeError, match="rng"):
        F.gumbel_softmax(np.zeros(3))


@pytest.mark.parametrize("hard", [False, True])
def test_an_infinite_temperature_is_even_among_what_is_possible(hard):
    """−∞ · 0 is NaN."""
    e = tm.tensor(np.array([[1.0, -np.inf, 5.0], [-np.inf, -np.inf, -np.inf]]), requires_grad=True)
    y = F.gumbel_softmax(e, np.inf, hard, rng=np.random.default_rng(0))
    y.backward(np.arange(6.0).reshape(2, 3))
    if not hard:
        assert y.tolist() == [[0.5, 0, 0.5], [0, 0, 0]]
    assert y.data[0, 1] == 0 and not e.grad.any()
