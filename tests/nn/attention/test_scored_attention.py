"""Attention with a score function as its part: the three steps, what is hidden, what is drawn, what learns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm import nn

from ..cases import lengths_mask
from .test_masks import fresh

SEEDS = st.integers(0, 2**32 - 1)


def scores(rng):
    """Every score function, of queries and keys 4 wide."""
    made = nn.DotScore(), nn.ScaledDotScore(), nn.GeneralScore(4, 4, rng=rng), *(
        kind(4, 4, 3, rng=rng) for kind in (nn.AdditiveScore, nn.ConcatScore, nn.MLPScore))
    return {type(f).__name__: fresh(f, rng) for f in made}


def attentions(rng):
    """Name to (module, whether it draws)."""
    soft = {f"soft, {name}": nn.SoftAttention(f) for name, f in scores(rng).items()}
    f = scores(rng)["GeneralScore"]
    return soft | {
        "local": nn.LocalAttention(f, 2),
        "predictive": fresh(nn.PredictiveLocalAttention(f, 4, 3, 2.0, rng=rng), rng),
        "hard": nn.HardAttention(f, rng=rng),
        "gumbel": nn.GumbelAttention(f, rng=rng),
        "gumbel, relaxed": nn.GumbelAttention(f, hard=False, rng=rng),
    }


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", list(attentions(np.random.default_rng(0))))
@given(seed=SEEDS)
def test_padding_is_hidden(name, training, seed):
    """Whatever stands in padded keys: the same result from the same draws, and exactly zero gradient."""
    rng = np.random.default_rng(seed)
    attend = attentions(rng)[name].train(training)
    query, key = rng.normal(size=(3, 2, 4)), rng.normal(size=(3, 6, 4))
    real = lengths_mask(rng, 3, 6)
    moved = np.where(real[..., None], key, rng.normal(size=key.shape) * 10)
    leaf, noise = tm.tensor(key, requires_grad=True), attend.rng_state()
    y = attend(tm.tensor(query), leaf, None, real[:, None])[0]
    attend.load_rng_state(noise)
    np.testing.assert_allclose(attend(tm.tensor(query), tm.tensor(moved), None, real[:, None])[0].data,
                               y.data, atol=1e-12)
    y.backward(rng.normal(size=y.shape))
    assert not leaf.grad[~real].any()


@pytest.mark.parametrize("name", list(scores(np.random.default_rng(0))))
def test_the_three_steps_are_all_returned(name, rng):
    f = scores(rng)[name]
    query, key, value = (tm.tensor(rng.normal(size=(2, n, 4))) for n in (3, 5, 5))
    mask = np.arange(5) < 4
    attended = nn.SoftAttention(f)(query, key, value, mask)
    np.testing.assert_array_equal(attended.scores.data, f(query, key).data)
    np.testing.assert_array_equal(attended.weights.data, F.attention_weights(attended.scores, mask).data)
    np.testing.assert_array_equal(attended.output.data, F.attention_sum(attended.weights, value).data)
    np.testing.assert_array_equal(nn.SoftAttention(f)(query, key)[0].data, nn.SoftAttention(f)(query, key, key)[0].data)


@given(SEEDS)
def test_soft_attention_with_scaled_dots_is_the_transformers(seed):
    rng = np.random.default_rng(seed)
    query, key, value = (tm.tensor(rng.normal(size=(2, n, 4))) for n in (3, 5, 5))
    y = nn.SoftAttention(nn.ScaledDotScore())(query, key, value).output
    np.testing.assert_allclose(y.data, F.scaled_dot_product_attention(query, key, value).data, atol=1e-12)


def test_concat_and_additive_share_their_parameters(rng):
    joined, split = nn.ConcatScore(3, 4, 5, rng=rng), nn.AdditiveScore(3, 4, 5, rng=rng)
    state = joined.state_dict()
    split.load_state_dict({"weight_q": state["weight"][:, :3], "weight_k": state["weight"][:, 3:],
                           "weight_v": state["weight_v"]})
    query, key = (tm.tensor(rng.normal(size=s).astype(np.float32)) for s in ((2, 3, 3), (2, 6, 4)))
    np.testing.assert_allclose(joined(query, key).data, split(query, key).data, atol=1e-6)


def test_local_attention_follows_an_offset(rng):
    attend = nn.LocalAttention(nn.DotScore(), 1)
    query, key = (tm.tensor(rng.normal(size=(2, 6, 4))) for _ in range(2))
    whole = attend(query, key)
    np.testing.assert_allclose(attend(query[:, 4:], key, offset=4).output.data, whole.output.data[:, 4:], atol=1e-12)
    assert ((whole.weights.data > 0) == F.sliding_window_mask(6, 6, 1, 1)).all()


def test_a_predicted_position_lies_within_the_real_length(rng):
    """A short source in a padded batch: its window is that of the source alone."""
    attend = fresh(nn.PredictiveLocalAttention(nn.DotScore(), 4, 3, 2.0, rng=rng), rng)
    query, key = tm.tensor(rng.normal(size=(2, 3, 4))), tm.tensor(rng.normal(size=(2, 7, 4)))
    real = np.arange(7) < [[4], [7]]
    padded = attend(query, key, None, real[:, None])
    np.testing.assert_allclose(padded.output.data[0], attend(query[0], key[0, :4]).output.data, atol=1e-12)


class Constant(nn.Module):
    """The same scores for every query, as parameters: the smallest policy there is."""

    def __init__(self, n):
        self.e = nn.Parameter(np.zeros(n))

    def forward(self, query, key):
        return F.broadcast_to(self.e, (*query.shape[:-1], key.shape[-2]))


@pytest.mark.parametrize("mix", [0.0, 0.5, 1.0])
def test_hard_attention_mixes_by_example(mix, rng):
    look = nn.HardAttention(nn.DotScore(), mix, rng=rng)
    query, key = tm.tensor(rng.normal(size=(4000, 2, 3)), requires_grad=True), tm.tensor(rng.normal(size=(4000, 5, 3)))
    glimpse = look(query, key)
    drawn = ((glimpse.choice.data == 0) | (glimpse.choice.data == 1)).all((1, 2))
    assert abs(drawn.mean() - (1 - mix)) < 4 * np.sqrt(mix * (1 - mix) / 4000) + 1e-12
    np.testing.assert_allclose(glimpse.choice.data[~drawn], glimpse.weights.data[~drawn])
    assert not glimpse.log_probability.data[~drawn].any() and (glimpse.log_probability.data[drawn] < 0).all()
    glimpse.output.backward(rng.normal(size=glimpse.output.shape))
    assert not query.grad[drawn].any() and query.grad[~drawn].any() == (not drawn.all())


def test_evaluation_takes_the_likeliest(rng):
    query, key = tm.tensor(rng.normal(size=(2, 3, 4))), tm.tensor(rng.normal(size=(2, 5, 4)))
    for look in (nn.HardAttention(nn.DotScore(), rng=rng), nn.GumbelAttention(nn.DotScore(), hard=False, rng=rng)):
        output, choice, weights = look.eval()(query, key)[:3]
        best = weights.data.argmax(-1)
        np.testing.assert_array_equal(choice.data.argmax(-1), best)
        np.testing.assert_array_equal(output.data, np.take_along_axis(key.data, best[..., None], 1))


@pytest.mark.parametrize("estimator", ["moving", "learned", "gumbel"])
def test_the_best_location_is_found(estimator):
    """Four regions, one of them right:
    150 steps of plain gradient descent from even weights, nothing to learn but e."""
    rng = np.random.default_rng(0)
    f, key = Constant(4), tm.tensor(np.array([[-1.0], [0.0], [1.0], [2.0]]))
    look = nn.GumbelAttention(f, 0.5, rng=rng) if estimator == "gumbel" else nn.HardAttention(f, 0.0, rng=rng)
    moving, learned = nn.MovingBaseline(), nn.LearnedBaseline(1, rng=rng).to(np.float64)
    query = tm.tensor(np.ones((32, 1, 1)))
    for _ in range(150):
        glimpse = look(query, key)
        reward = 3 - (glimpse[0][..., 0] - 1.1) ** 2                            # (32, 1)
        if estimator == "gumbel":
            loss = -reward.mean()
        elif estimator == "moving":
            loss = F.reinforce_loss(glimpse.log_probability, moving(reward))
            moving.update(reward)
        else:
            predicted = learned(query)
            loss = F.reinforce_loss(glimpse.log_probability, reward, predicted) + F.mse_loss(predicted, reward.detach())
        for p in [f.e, *learned.parameters()]:
            p.grad = None
        loss.backward()
        for p in [f.e, *learned.parameters()]:
            p.data -= 0.3 * (0 if p.grad is None else p.grad)
    assert F.softmax(f.e.data, -1).argmax() == 2 and F.softmax(f.e.data, -1)[2] > 0.9
    if estimator == "moving":
        assert abs(moving.value - 2.95) < 0.3                                   # near 3 − 0.1², the best reward
    if estimator == "learned":
        assert abs(learned(query).data[0, 0] - 2.95) < 0.3


def test_a_moving_baseline_is_saved(rng):
    baseline, other = nn.MovingBaseline(0.5), nn.MovingBaseline(0.5)
    baseline.update(tm.tensor(np.array([4.0, 8.0])))
    other.load_state_dict(baseline.state_dict())
    assert other.value == 3 and other(np.array([5.0]))[0] == 2 and other.value.dtype == np.float32


@pytest.mark.parametrize("build, message", [
    (lambda rng: nn.HardAttention(nn.DotScore(), 1.5, rng=rng),
     r"HardAttention: mix is a probability in \[0, 1\]; got 1.5"),
    (lambda rng: nn.MovingBaseline(1.0), r"MovingBaseline: momentum lies in \[0, 1\); got 1.0"),
    (lambda rng: nn.T5RelativeBias(4, 30, rng=rng), "num_buckets must be a multiple of 4 .*got 30 and 128"),
    (lambda rng: nn.HardAttention(nn.DotScore(), rng=3), "rng: needs a numpy.random.Generator"),
])
def test_errors(rng, build, message):
    with pytest.raises(ValueError, match=message):
        build(rng)


def test_t5_bias_is_shared_by_equal_buckets(rng):
    layer = nn.T5RelativeBias(3, 8, 10, rng=rng)
    bias = layer(6, 6).data
    buckets = F.t5_buckets(F.relative_positions(6, 6), 8, 10)
    for t, s in np.ndindex(6, 6):
        np.testing.assert_array_equal(bias[:, t, s], layer.weight.data[buckets[t, s]])
    np.testing.assert_array_equal(layer(2, 6, 4).data, bias[:, 4:])


def test_local_p_counts_the_visible_keys_wherever_they_stand():
    """As if the hidden keys were not there at all."""
    rng = np.random.default_rng(3)
    layer = nn.PredictiveLocalAttention(nn.DotScore(), 4, 3, 1.5, rng=rng).to(np.float64)
    query, key = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 9, 4))
    real = np.arange(9) > np.array([[5], [2]])                          # the end of each row: no prefix
    real[1, 5] = False
    together = layer(tm.tensor(query), tm.tensor(key), mask=real[:, None])
    for b in range(2):
        alone = layer(tm.tensor(query[b]), tm.tensor(key[b][real[b]]))
        np.testing.assert_allclose(together.weights.data[b][:, real[b]], alone.weights.data, rtol=1e-12)
        np.testing.assert_allclose(together.output.data[b], alone.output.data, rtol=1e-12)
    weights = together.weights.data
    assert (weights.sum(-1) > 0).all() and not weights[~np.repeat(real[:, None], 3, 1)].any()


@pytest.mark.parametrize("reward", [np.array([10, 12]), [10, 12], np.array([True, False]), np.array([1, 2], np.uint8)])
def test_a_baseline_of_whole_number_rewards_is_not_rounded(reward):
    baseline = nn.MovingBaseline()
    baseline.value[...] = 0.75
    np.testing.assert_array_equal(baseline(reward), np.asarray(reward) - 0.75)
