"""Rectified flow: straight lines, their mean field in closed form, Euler, guidance; the field that paints pictures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
from tinymm import nn
from tinymm.mapping import (FlowPainter, GaussianMixtureFlow, PictureScale, between, euler, flow_loss, guided,
                            noise_levels, paint, painter_loss, random_levels, shifted)
from tinymm.mapping.painting.flow_painter import SHIFT
from tinymm.mapping.painting.unet import ModulatedBlock, UNet, WordLayer, noise_level_features
from tinymm.optim import Adam
from tinymm.testing import check_directional

SEEDS = st.integers(0, 2**32 - 1)
MIXTURE = GaussianMixtureFlow(np.array([[-2.0, 0.0], [2.0, 1.0], [0.5, -2.0]]), [0.3, 0.6, 0.1], [0.5, 0.3, 0.2])


def randomised(module, rng, std=0.3):
    """Every parameter drawn anew: what starts at 0 would hide the gradient of all before it."""
    for p in module.parameters():
        p.data[...] = rng.normal(0, std, p.shape)
    return module


# Lines, loss, Euler, guidance ---------------------------------------------------------------------------------------


@given(SEEDS, st.sampled_from([np.float32, np.float64]), st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_the_line_runs_from_the_picture_to_the_noise_at_constant_speed(seed, dtype, dims):
    rng = np.random.default_rng(seed)
    x, noise = (rng.standard_normal((4, *[3] * dims)).astype(dtype) for _ in range(2))
    sigma = rng.random(4)
    np.testing.assert_array_equal(between(x, noise, np.zeros(4)), x)
    np.testing.assert_array_equal(between(x, noise, np.ones(4)), noise)
    point = between(x, noise, sigma)
    assert point.dtype == dtype
    rest = (1 - sigma.astype(dtype)).reshape(-1, *[1] * dims)
    rounding = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(point + rest * (noise - x), noise, rtol=rounding, atol=rounding)


def test_levels_and_times():
    for steps in (1, 7):
        levels = noise_levels(steps)
        assert len(levels) == steps + 1 and levels[0] == 1 and levels[-1] == 0 and (np.diff(levels) < 0).all()
    with pytest.raises(ValueError, match="noise_levels: steps must be at least 1; got 0"):
        noise_levels(0)


@given(SEEDS, st.floats(0.2, 20))
@settings(max_examples=20, deadline=None)
def test_a_shift_of_levels_is_a_shift_of_logits(seed, shift):
    t = np.random.default_rng(seed).random(50)
    logits, moved = (np.log(of / (1 - of)) for of in (t, shifted(t, shift)))
    np.testing.assert_allclose(moved - logits, np.log(shift), atol=1e-9)
    levels = noise_levels(7, shift)
    assert levels[0] == 1 and levels[-1] == 0 and (np.diff(levels) < 0).all()
    drawn = random_levels(50, np.random.default_rng(seed), shift)
    z = np.random.default_rng(seed).standard_normal(50, dtype=np.float32).astype(float)
    np.testing.assert_allclose(np.log(drawn / (1 - drawn.astype(float))), z + np.log(shift), rtol=1e-3, atol=1e-3)


@given(SEEDS, st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_euler_is_exact_where_the_field_is_constant_along_each_line(seed, steps):
    """All data at m: v = (x − m)/σ, the same all along a line, so that any number of steps ends at m."""
    rng = np.random.default_rng(seed)
    m, noise = rng.standard_normal(3), rng.standard_normal((5, 3))
    path = euler(lambda x, sigma: (x - m) / sigma[:, None], noise, noise_levels(steps), path=True)
    assert len(path) == steps + 1
    np.testing.assert_array_equal(path[0], noise)
    for x, sigma in zip(path, noise_levels(steps)):
        np.testing.assert_allclose(x, (1 - sigma) * m + sigma * noise, atol=1e-12)


def test_euler_of_a_linear_field_is_the_product_of_its_steps():
    rng = np.random.default_rng(1)
    A, x, levels = rng.standard_normal((3, 3)), rng.standard_normal((2, 3)), np.array([1, 0.7, 0.4, 0.0])
    expected = x
    for before, after in zip(levels, levels[1:]):
        expected = expected @ (np.eye(3) + (after - before) * A.T)
    np.testing.assert_allclose(euler(lambda x, sigma: x @ A.T, x, levels), expected, rtol=1e-12)
    single = euler(lambda x, sigma: tm.tensor(x @ A.T.astype(x.dtype), requires_grad=True) * 2, x.astype(np.float32),
                   levels)
    assert type(single) is np.ndarray and single.dtype == np.float32     # a Tensor's numbers, and no tape


def test_guidance():
    rng = np.random.default_rng(2)
    c, u = rng.standard_normal((2, 4, 5)).astype(np.float32)

    def refuse(x, sigma):
        raise AssertionError("this field is not needed")

    assert guided(lambda x, sigma: c, refuse, 1)(None, None) is c
    assert guided(refuse, lambda x, sigma: u, 0)(None, None) is u
    np.testing.assert_allclose(guided(lambda x, sigma: c, lambda x, sigma: u, 2.5)(None, None), 2.5 * c - 1.5 * u,
                               rtol=1e-4, atol=1e-6)


# The closed form ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.15, 0.5, 0.9, 1.0])
def test_the_closed_form_is_the_mean_of_what_lines_through_a_point_say(sigma):
    """By importance sampling: lines from x drawn of the mixture pass x_σ with the density of ε = (x_σ − (1 − σ)x)/σ."""
    rng = np.random.default_rng(3)
    points = np.array([[0.0, 0.0], [-1.5, 0.3], [1.0, 1.0], [0.3, -1.2]])
    x = MIXTURE.sample(400_000, rng)
    for point in points * max(1 - sigma, 0.5):
        noise = (point - (1 - sigma) * x) / sigma
        log_w = -(noise ** 2).sum(1) / 2
        w = np.exp(log_w - log_w.max())
        w /= w.sum()
        v = noise - x
        mean = w @ v
        error = np.sqrt((w ** 2) @ (v - mean) ** 2)                      # standard error of a weighted mean
        at = point[None], np.array([sigma])
        assert (np.abs(MIXTURE.field(*at)[0] - mean) < 5 * error + 1e-9).all()
        variance = w @ ((v - mean) ** 2).mean(1)
        spread = np.sqrt((w ** 2) @ (((v - mean) ** 2).mean(1) - variance) ** 2)
        assert abs(MIXTURE.variance(*at)[0] - variance) < 5 * spread + 1e-9


def test_the_exact_field_carries_noise_to_the_mixture():
    rng = np.random.default_rng(4)
    x = euler(MIXTURE.field, rng.standard_normal((4000, 2)), noise_levels(200))
    nearest = ((x[:, None] - MIXTURE.means) ** 2).sum(2).argmin(1)
    shares = np.bincount(nearest, minlength=3) / len(x)
    np.testing.assert_allclose(shares, MIXTURE.weights, atol=4 * 0.5 / np.sqrt(len(x)) + 0.01)
    for k in range(3):
        own = x[nearest == k]
        np.testing.assert_allclose(own.mean(0), MIXTURE.means[k], atol=0.07)
        np.testing.assert_allclose(own.std(0), MIXTURE.stds[k], atol=0.04)     # a few are of a neighbour's tail


def test_the_loss_of_the_exact_field_is_the_conditional_variance_and_not_zero():
    rng = np.random.default_rng(5)
    n = 40_000
    x, noise, sigma = MIXTURE.sample(n, rng), rng.standard_normal((n, 2)), 0.05 + 0.9 * rng.random(n)
    loss = float(flow_loss(MIXTURE.field, x, sigma, noise))
    least = MIXTURE.variance(between(x, noise, sigma), sigma)
    assert least.mean() > 0.2 and abs(loss - least.mean()) < 0.02
    worse = float(flow_loss(lambda x, sigma: MIXTURE.field(x, sigma) + 0.3, x, sigma, noise))
    assert worse == pytest.approx(loss + 0.09, abs=0.01)


def test_one_gaussian_is_the_start_of_a_painter():
    """The first term of `FlowPainter` is the flow of N(0, I)."""
    rng = np.random.default_rng(6)
    flow = GaussianMixtureFlow(np.zeros((1, 5)), np.ones(1))
    x, sigma = rng.standard_normal((7, 5)), rng.uniform(0.1, 1, 7)
    s = sigma[:, None]
    np.testing.assert_allclose(flow.field(x, sigma), (2 * s - 1) * x / ((1 - s) ** 2 + s ** 2), rtol=1e-12)
    np.testing.assert_allclose(flow.variance(x, sigma), 1 / ((1 - sigma) ** 2 + sigma ** 2), rtol=1e-12)


@pytest.mark.parametrize("wrong", [dict(stds=[-1, 1, 1]), dict(stds=[1, 1]), dict(weights=[0.5, 0.5, 0.5])])
def test_what_is_no_mixture_is_refused(wrong):
    with pytest.raises(ValueError, match="GaussianMixtureFlow"):
        GaussianMixtureFlow(**{"means": np.zeros((3, 2)), "stds": [1, 1, 1]} | wrong)
    with pytest.raises(ValueError, match="sigma must be above 0"):
        MIXTURE.field(np.zeros((1, 2)), np.zeros(1))


def test_a_network_learns_the_field():
    """Point by point where the data pass, in 600 steps; what it starts from is far from it."""
    rng = np.random.default_rng(7)
    net = nn.Sequential(nn.Linear(6, 64, rng=rng), nn.SiLU(), nn.Linear(64, 64, rng=rng), nn.SiLU(),
                        nn.Linear(64, 2, rng=rng))

    def field(x, sigma):
        s = np.asarray(sigma, np.float32)[:, None]
        return net(tm.tensor(np.concatenate([x, s, s * x, s * s], 1).astype(np.float32)))

    flow = GaussianMixtureFlow(np.array([[-1.5, 0.0], [1.5, 0.0]]), [0.5, 0.5])
    where = between(flow.sample(500, rng), rng.standard_normal((500, 2)), sigma := rng.uniform(0.2, 1, 500))

    def distance():
        return float(np.sqrt(((field(where, sigma).data - flow.field(where, sigma)) ** 2).mean()))

    before, optimizer = distance(), Adam(net.parameters(), lr=3e-3)
    for _ in range(600):
        x = flow.sample(256, rng).astype(np.float32)
        loss = flow_loss(field, x, random_levels(256, rng), rng.standard_normal(x.shape, dtype=np.float32))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert distance() < 0.3 * before


# The network that paints --------------------------------------------------------------------------------------------


def test_noise_levels_are_told_apart():
    features = noise_level_features(np.linspace(0, 1, 101), 32)
    distances = np.linalg.norm(features[:, None] - features, axis=-1) + np.eye(101) * 9
    assert features.dtype == np.float64 and distances.min() > 0.05
    assert noise_level_features(np.zeros(2, np.float32), 8).dtype == np.float32


@pytest.mark.parametrize("out", [8, 16])
def test_a_modulated_block_starts_as_its_skip_and_has_right_gradients_away_from_there(out):
    rng = np.random.default_rng(8)
    block = ModulatedBlock(8, out, 4, rng=rng)
    x, c = rng.standard_normal((2, 8, 4, 4)), rng.standard_normal((2, 4))
    skip = x if block.skip is None else block.skip(x.astype(np.float32)).data
    np.testing.assert_allclose(block(x.astype(np.float32), c.astype(np.float32)).data, skip, atol=1e-6)
    randomised(block, rng)
    assert check_directional(block, [x, c])


def test_words_reach_the_places_and_padding_does_not():
    rng = np.random.default_rng(9)
    layer = randomised(WordLayer(8, 6, 2, 2, rng=rng), rng).to(np.float64)
    x, words, mask = rng.standard_normal((2, 8, 2, 2)), rng.standard_normal((2, 5, 6)), np.ones((2, 5), bool)
    mask[0, 3:] = False
    before = layer(x, tm.tensor(words), mask).data
    hidden, seen = words.copy(), words.copy()
    hidden[0, 3:] = np.nan
    seen[0, 2] += 1
    np.testing.assert_array_equal(layer(x, tm.tensor(hidden), mask).data, before)
    assert abs(layer(x, tm.tensor(seen), mask).data - before)[0].max() > 1e-3
    words = tm.tensor(words, requires_grad=True)
    layer(x, words, mask).backward(rng.standard_normal(x.shape))
    assert (words.grad[0, 3:] == 0).all() and (words.grad[0, :3] != 0).all()
    assert check_directional(layer, [x, words.data])


def painter_of(rng, dtype=np.float64):
    painter = FlowPainter(9, 8, (8, 8), width=8, scale=PictureScale((0.2, 0.3, 0.4), (0.5, 0.2, 0.1)), rng=rng)
    return randomised(painter, rng, 0.2).to(dtype).eval()


IDS, MASK = np.array([[1, 4, 5, 2], [1, 6, 2, 0]]), np.array([[True] * 4, [True] * 3 + [False]])


def test_the_painters_gradients():
    """Of every parameter, the learned null among them, at weights none of which is 0."""
    rng = np.random.default_rng(10)

    class Field(nn.Module):
        def __init__(self):
            self.painter = painter_of(rng)

        def forward(self, x):
            return self.painter(x, np.array([0.3, 0.8]), self.painter.read(IDS, MASK, np.array([False, True])))

    field, x = Field(), rng.standard_normal((2, 3, 8, 8))
    assert check_directional(field, [x])
    field(tm.tensor(x)).backward(rng.standard_normal(x.shape))
    for name, p in field.named_parameters():
        assert p.grad is not None and np.abs(p.grad).max() > 0, name


def test_a_dropped_text_is_no_text_whatever_it_said():
    rng = np.random.default_rng(11)
    painter, x, sigma = painter_of(rng), rng.standard_normal((2, 3, 8, 8)), np.array([0.4, 0.9])
    dropped = painter(x, sigma, painter.read(IDS, MASK, np.array([True, True]))).data
    other = painter(x, sigma, painter.read(IDS[::-1] % 7, MASK, np.array([True, True]))).data
    np.testing.assert_array_equal(dropped, other)
    np.testing.assert_allclose(painter(x, sigma, painter.no_text(2)).data, dropped, rtol=1e-10, atol=1e-10)
    told = painter(x, sigma, painter.read(IDS, MASK)).data
    assert abs(told - dropped).max() > 1e-3
    half = painter(x, sigma, painter.read(IDS, MASK, np.array([False, True]))).data
    np.testing.assert_allclose(half[0], told[0], rtol=1e-10)
    np.testing.assert_array_equal(half[1], dropped[1])


def test_an_untrained_painter_knows_the_flow_of_noise_and_its_loss_is_that_of_one_gaussian():
    rng = np.random.default_rng(12)
    painter = FlowPainter(9, 8, (8, 8), width=8, rng=rng)
    x, sigma = rng.standard_normal((6, 3, 8, 8)), rng.uniform(0.1, 1, 6)
    flow = GaussianMixtureFlow(np.zeros((1, 192)), np.ones(1))
    v = painter(x, sigma, painter.read(np.repeat(IDS, 3, 0), np.repeat(MASK, 3, 0))).data
    np.testing.assert_allclose(v.reshape(6, -1), flow.field(x.reshape(6, -1), sigma), rtol=1e-6, atol=1e-6)


def test_sampling_at_guidance_one_is_the_conditional_sample_bit_for_bit():
    rng = np.random.default_rng(13)
    painter = painter_of(rng, np.float32)
    images = paint(painter, IDS, MASK, np.random.default_rng(1), steps=3)
    assert images.dtype == np.float32 and images.min() >= 0 and images.max() <= 1
    noise = np.random.default_rng(1).standard_normal((2, 3, 8, 8), dtype=np.float32)
    text = painter.read(IDS, MASK)
    x = euler(lambda x, sigma: painter(x, sigma, text), noise, noise_levels(3, SHIFT))
    np.testing.assert_array_equal(images, painter.scale.to_images(x))
    path = paint(painter, IDS, MASK, np.random.default_rng(1), steps=3, path=True)
    assert len(path) == 4
    np.testing.assert_array_equal(path[-1], images)
    free = paint(painter, IDS, MASK, np.random.default_rng(1), steps=3, guidance=0.0)
    np.testing.assert_array_equal(free, paint(painter, IDS[::-1], MASK[::-1], np.random.default_rng(1), 3, 0.0))
    assert abs(paint(painter, IDS, MASK, np.random.default_rng(1), 3, 4.0) - images).max() > 1e-3


def test_the_loss_of_a_painter_by_hand():
    rng = np.random.default_rng(14)
    painter, images = painter_of(rng), rng.random((2, 3, 8, 8))
    loss, numbers = painter_loss(painter, images, IDS, MASK, 0.5, np.random.default_rng(2))
    again = np.random.default_rng(2)
    dropped = again.random(2) < 0.5
    sigma, noise = random_levels(2, again, SHIFT), again.standard_normal((2, 3, 8, 8), dtype=np.float32)
    mean, std = (np.array(of, np.float32)[:, None, None] for of in ((0.2, 0.3, 0.4), (0.5, 0.2, 0.1)))
    x = (images - mean) / std
    s = sigma[:, None, None, None].astype(float)
    text = painter.read(IDS, MASK, dropped)
    v = painter((1 - s) * x + s * noise, sigma, text).data
    assert numbers["flow"].item() == pytest.approx(((v - (noise - x)) ** 2).mean(), rel=1e-5)
    assert numbers["sketch"].item() == pytest.approx(((text.mean.data - x) ** 2).mean(), rel=1e-5)
    assert loss.item() == pytest.approx(numbers["flow"].item() + numbers["sketch"].item(), rel=1e-6)


def test_pictures_are_scaled_by_their_own_mean_and_deviation():
    rng = np.random.default_rng(15)
    images = rng.random((20, 3, 4, 4)) * np.array([0.5, 1, 0.2])[:, None, None]
    images[:, 2] = 1.0                                                   # a channel that never changes
    scale = PictureScale.of(images)
    x = scale.to_data(images)
    np.testing.assert_allclose(x[:, :2].mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(x[:, :2].std((0, 2, 3)), 1, rtol=1e-5)
    np.testing.assert_allclose(scale.to_images(x), images, atol=1e-5)
    assert scale.to_images(x + 9).max() == 1 and scale.to_images(x - 99).min() == 0
    mean, std = scale.to_json()
    assert all(0 <= number < 1 for number in mean + std)                 # as a config may hold them
    np.testing.assert_array_equal(PictureScale(mean, std).to_data(images), x)


def test_the_unet_has_every_part_on_its_way():
    rng = np.random.default_rng(16)
    net = randomised(UNet((8, 16), 8, words=6, condition=4, heads=2, rng=rng), rng)
    inputs = [rng.standard_normal(shape) for shape in ((2, 3, 8, 8), (2, 4), (2, 16, 2, 2), (2, 5, 6))]
    assert check_directional(net, inputs)
    net.to(np.float64)
    net(*map(tm.tensor, inputs)).sum().backward()
    assert all(p.grad is not None and np.abs(p.grad).max() > 0 for p in net.parameters())
