"""What a text alone says of a picture: the sketch, and the Gaussian around it from which the painter's field starts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
from tinymm import nn
from tinymm.mapping import FlowPainter, GaussianMixtureFlow, Sketch, flow_loss
from tinymm.optim import Adam
from tinymm.testing import check_directional

SEEDS = st.integers(0, 2**32 - 1)
IDS, MASK = np.array([[1, 4, 5, 2], [1, 6, 2, 0]]), np.array([[True] * 4, [True] * 3 + [False]])


def randomised(module, rng, std=0.3):
    """Every parameter drawn anew: what starts at 0 would hide the gradient of all before it."""
    for p in module.parameters():
        p.data[...] = rng.normal(0, std, p.shape)
    return module.to(np.float64)


def sketch_of(rng):
    return randomised(Sketch(8, 6, 2, 2, side=2, patch=4, rng=rng), rng)


def painter_of(rng):
    """A painter in float64 whose sketch says something, and whose U-Net does not."""
    painter = FlowPainter(9, 8, (8, 8), width=8, rng=rng).to(np.float64).eval()
    randomised(painter.sketch, rng, 0.2)
    return painter


@given(SEEDS, st.sampled_from([np.float32, np.float64]), st.integers(1, 3), st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_shapes_and_dtype(seed, dtype, batch, words):
    rng = np.random.default_rng(seed)
    sketch = sketch_of(rng).to(dtype)
    places = sketch(rng.standard_normal((batch, words, 6)).astype(dtype))
    mean = sketch.mean_picture(places)
    assert places.shape == (batch, 8, 2, 2) and mean.shape == (batch, 3, 8, 8)
    assert places.dtype == mean.dtype == dtype


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_hidden_words_have_no_influence_and_get_no_gradient(seed):
    rng = np.random.default_rng(seed)
    sketch, words = sketch_of(rng), rng.standard_normal((2, 5, 6))
    mask = rng.random((2, 5)) < 0.6
    mask[:, 0] = True
    before = sketch(words, mask).data
    hidden = np.where(mask[..., None], words, np.nan)
    np.testing.assert_array_equal(sketch(hidden, mask).data, before)
    for alone in range(2):                                               # as if the hidden ones had never been there
        np.testing.assert_allclose(sketch(words[alone:alone + 1, mask[alone]]).data[0], before[alone], atol=1e-12)
    asked = tm.tensor(words, requires_grad=True)
    sketch(asked, mask).backward(rng.standard_normal(before.shape))
    assert (asked.grad[~mask] == 0).all() and (asked.grad[mask] != 0).any(-1).all()


def test_gradients_of_the_sketch_and_of_all_its_parameters():
    rng = np.random.default_rng(1)

    class Mean(nn.Module):
        def __init__(self):
            self.sketch = sketch_of(rng)

        def forward(self, words):
            return self.sketch.mean_picture(self.sketch(words, np.array([[True, True, False], [True] * 3])))

    mean, words = Mean(), rng.standard_normal((2, 3, 6))
    assert check_directional(mean, [words])
    mean(tm.tensor(words)).backward(rng.standard_normal((2, 3, 8, 8)))
    assert all(np.abs(p.grad).max() > 1e-12 for p in mean.parameters())


def test_the_same_words_say_different_things_of_different_places():
    rng = np.random.default_rng(2)
    places = sketch_of(rng)(rng.standard_normal((1, 3, 6))).data.reshape(8, 4)
    assert all(abs(places[:, i] - places[:, j]).max() > 1e-3 for i in range(4) for j in range(i))


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_an_untrained_net_leaves_the_flow_of_one_gaussian_around_the_mean_picture(seed):
    rng = np.random.default_rng(seed)
    painter = painter_of(rng)
    text = painter.read(IDS, MASK)
    x, sigma = rng.standard_normal((2, 3, 8, 8)), rng.uniform(0.01, 1, 2)
    v = painter(x, sigma, text).data
    for i, mean in enumerate(text.mean.data):
        flow = GaussianMixtureFlow(mean.reshape(1, -1), np.ones(1))
        np.testing.assert_allclose(v[i].ravel(), flow.field(x[i].reshape(1, -1), sigma[i:i + 1])[0], atol=1e-10)


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_the_loss_of_the_sketch_is_the_flows_at_pure_noise_without_the_net(seed):
    """At σ = 1 the field is ε − x̄ and the target ε − x: the noise cancels, draw by draw."""
    rng = np.random.default_rng(seed)
    painter = painter_of(rng)
    text, x = painter.read(IDS, MASK), rng.standard_normal((2, 3, 8, 8))
    loss = flow_loss(lambda x, sigma: painter(x, sigma, text), x, np.ones(2), rng.standard_normal(x.shape))
    assert loss.item() == pytest.approx(((text.mean.data - x) ** 2).mean(), rel=1e-12)


def test_it_learns_where_a_thing_is_from_words():
    """Two words, "top" and "bottom", and pictures white in that half: the mean pictures are those, in 150 steps."""
    rng = np.random.default_rng(4)
    sketch, table = Sketch(8, 6, 2, 1, side=2, patch=4, rng=rng), rng.standard_normal((2, 1, 6)).astype(np.float32)
    x = np.zeros((2, 3, 8, 8), np.float32)
    x[0, :, :4], x[1, :, 4:] = 1, 1
    optimizer = Adam(sketch.parameters(), lr=1e-2)

    def error():
        return ((sketch.mean_picture(sketch(table)) - x) ** 2).mean()

    assert error().item() == 0.5                                         # untrained, it is 0 everywhere
    for _ in range(150):
        optimizer.zero_grad()
        error().backward()
        optimizer.step()
    assert error().item() < 0.01
