"""Hard attention as a fusion, in training: what is drawn, and that the estimators point where the gradient does."""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F
from tinymm.fusion import GumbelAttentionFusion, HardAttentionFusion, look_loss

WIDTHS = {"text": 4, "image": 3}


@pytest.fixture
def inputs(rng):
    return rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 3))


def made(kind, rng, **options):
    fusion = kind(WIDTHS, 6, rng=rng, **options).to(np.float64)
    fusion.look.score.weight.data[...] = rng.standard_normal((4, 3))
    return fusion


@pytest.mark.parametrize("kind", [HardAttentionFusion, GumbelAttentionFusion])
def test_hidden_regions_are_never_drawn(kind, rng, inputs):
    text, image = inputs
    mask = rng.random((2, 5)) < 0.5
    mask[:, 0] = True
    image[~mask] = np.nan
    fusion = made(kind, rng)
    for _ in range(20):
        assert np.isfinite(fusion((text, image), (None, mask)).features.data).all()


def test_in_training_one_region_is_drawn_by_its_weight(rng, inputs):
    fusion = made(HardAttentionFusion, rng, mix=0.0)
    looks = [fusion(inputs).weights for _ in range(2000)]
    alpha = looks[0].weights.data
    drawn = np.abs(np.exp([look.log_probability.data for look in looks])[..., None] - alpha) < 1e-12
    assert np.abs(drawn.mean(0) - alpha).max() < 4 * 0.5 / np.sqrt(2000)
    assert (drawn.sum(-1) == 1).all()


def test_the_loss_is_made_of_three_terms_and_leaves_out_what_does_not_count(rng, inputs):
    fusion, where = made(HardAttentionFusion, rng, mix=0.0), rng.random((2, 3)) < 0.6
    look, reward = fusion(inputs).weights, rng.standard_normal((2, 3))
    log_p, entropy, expected = (x.data[where] for x in look[1:])
    advantage = reward[where] - expected
    loss = look_loss(look, np.where(where, reward, np.nan), where)
    np.testing.assert_allclose(loss.data, -(advantage * log_p).mean() + (advantage**2).mean() / 2
                               - 0.002 * entropy.mean())
    bias, W = tm.grad(loss, [fusion.baseline.linear.bias, fusion.look.score.weight])
    np.testing.assert_allclose(bias.data, -advantage.mean())            # of the squared error alone
    assert W.data.any()


def test_reinforce_through_the_fusion_is_unbiased(rng, inputs):
    """The mean of the estimates lies within 4 standard errors of the gradient of the expectation, enumerated."""
    fusion, g = made(HardAttentionFusion, rng, mix=0.0), rng.standard_normal((2, 3, 6))
    text, image = inputs
    W = fusion.look.score.weight
    rewards = np.empty((2, 3, 5))                                        # what each region would earn
    for i in range(5):
        region = np.broadcast_to(image[:, i:i + 1], (2, 3, 3))
        rewards[..., i] = (F.relu(fusion.fuse(F.concatenate([text, region], -1))).data * g).sum(-1)
    scores = F.einsum("btd,de,bne->btn", text, W, image)
    exact, = tm.grad(F.expected_reward(scores, rewards).sum(), W)
    estimates = []
    for _ in range(1500):
        fused = fusion(inputs)
        earned = (fused.features.data * g).sum(-1)                       # (B, T)
        loss = F.reinforce_loss(fused.weights.log_probability, earned, rewards.mean(-1))
        estimates.append(-tm.grad(loss, W)[0].data * earned.size)
    error = np.std(estimates, 0) / np.sqrt(len(estimates))
    assert (np.abs(np.mean(estimates, 0) - exact.data) < 4 * error).all()


def test_gumbel_lets_the_scores_learn(rng, inputs):
    fusion = made(GumbelAttentionFusion, rng)
    fusion(inputs).features.sum().backward()
    assert np.abs(fusion.look.score.weight.grad).max() > 1e-6
