"""The codebook: nearest codes, gradients that pass it by, running means, restarts; the codec around it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
from tinymm import nn
from tinymm.mapping import Codebook, PictureCodec, PictureScale, codec_loss, nearest_codes, perplexity
from tinymm.optim import Adam
from tinymm.testing import check_directional

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(1, 9), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_the_nearest_code_by_brute_force(seed, size, width):
    rng = np.random.default_rng(seed)
    z, codes = rng.standard_normal((2, 7, width)), rng.standard_normal((size, width))
    expected = [[min(range(size), key=lambda k: np.sum((v - codes[k]) ** 2)) for v in row] for row in z]
    np.testing.assert_array_equal(nearest_codes(z, codes), expected)


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_the_gradient_goes_straight_through_and_the_commitment_pulls_features_to_their_codes(seed):
    rng = np.random.default_rng(seed)
    book = Codebook(5, 3, rng=rng)
    book.codes[...] = rng.standard_normal((5, 3))
    z = tm.tensor(rng.standard_normal((2, 4, 3)), requires_grad=True)
    found = book(z)
    np.testing.assert_array_equal(found.values.data, book.codes[found.ids])
    g = rng.standard_normal(z.shape)
    found.values.backward(g)
    np.testing.assert_array_equal(z.grad, g)
    z.grad = None
    book(z).commitment.backward()
    np.testing.assert_allclose(z.grad, 2 * (z.data - book.codes[found.ids]) / z.data.size, rtol=1e-5, atol=1e-8)
    assert book(z).commitment.item() == pytest.approx(((z.data - book.codes[found.ids]) ** 2).mean(), rel=1e-5)
    assert not list(book.parameters())                                   # the codes have no gradient


def slow_update(counts, sums, z, ids, decay, epsilon):
    """N, m and e code by code, as the paper has them."""
    counts, sums = counts.astype(float), sums.astype(float)
    for k in range(len(counts)):
        own = [z[i] for i in range(len(z)) if ids[i] == k]
        counts[k] = decay * counts[k] + (1 - decay) * len(own)
        sums[k] = decay * sums[k] + (1 - decay) * sum(own, np.zeros(z.shape[1]))
    n, size = counts.sum(), len(counts)
    codes = np.array([sums[k] / ((counts[k] + epsilon) / (n + size * epsilon) * n) for k in range(size)])
    return counts, sums, codes


@given(SEEDS, st.sampled_from([0.5, 0.99]))
@settings(max_examples=20, deadline=None)
def test_codes_move_as_the_slow_definition_says(seed, decay):
    rng = np.random.default_rng(seed)
    book = Codebook(4, 3, decay=decay, least=0.0, rng=rng)
    counts, sums = book.counts.copy(), book.sums.copy()
    for _ in range(3):
        z = rng.standard_normal((11, 3)).astype(np.float32)
        ids = nearest_codes(z, book.codes)
        book.update(z, ids, rng)
        counts, sums, codes = slow_update(counts, sums, z, ids, decay, Codebook.EPSILON)
        np.testing.assert_allclose(book.counts, counts, rtol=1e-5)
        np.testing.assert_allclose(book.sums, sums, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(book.codes, codes, rtol=1e-4, atol=1e-5)


def test_a_code_comes_to_the_mean_of_its_features():
    rng = np.random.default_rng(0)
    book = Codebook(2, 2, decay=0.9, rng=rng)
    book.codes[...] = book.sums[...] = [[1, 0], [-1, 0]]
    for _ in range(200):
        z = np.concatenate([rng.normal([2, 1], 0.1, (50, 2)), rng.normal([-3, 1], 0.1, (10, 2))]).astype(np.float32)
        book.update(z, nearest_codes(z, book.codes), rng)
    np.testing.assert_allclose(book.codes, [[2, 1], [-3, 1]], atol=0.03)
    np.testing.assert_allclose(book.counts, [50, 10], rtol=1e-3)


def test_dead_codes_start_again_at_features_of_the_batch_with_a_count_and_a_sum_of_their_own():
    rng = np.random.default_rng(1)
    book = Codebook(3, 2, decay=0.5, least=0.4, rng=rng)
    book.codes[...] = book.sums[...] = [[0, 0], [100, 100], [-100, 100]]
    z = rng.standard_normal((20, 2)).astype(np.float32)
    book.update(z, nearest_codes(z, book.codes), rng)                    # counts of the far ones fall to 1/2
    assert (book.counts[1:] == 0.5).all() and abs(book.codes[1:]).min() > 50
    book.update(z, nearest_codes(z, book.codes), rng)                    # and to 1/4: dead
    assert (book.counts[1:] == 1).all()
    for k in (1, 2):
        assert (book.sums[k] == z).all(1).any()
        np.testing.assert_allclose(book.codes[k], book.sums[k], rtol=1e-4)
    alive = book.counts.copy()
    book.update(z, nearest_codes(z, book.codes), rng)
    assert (book.counts > 0.4).all() and not (book.counts == alive).all()


def test_perplexity():
    assert perplexity(np.full(8, 3)) == pytest.approx(8) and perplexity(np.array([7, 0, 0])) == pytest.approx(1)
    assert perplexity(np.array([1, 1, 2])) == pytest.approx(2 ** 1.5)
    rng = np.random.default_rng(2)
    few, many = (perplexity(np.bincount(rng.integers(64, size=n), minlength=64)) for n in (16, 6400))
    assert few <= 16 and many > 60                                       # a small batch cannot show more


def codec_of(rng):
    codec = PictureCodec(8, 6, (8, 8), 4, PictureScale((0.3,) * 3, (0.2,) * 3), rng=rng)
    codec.book.codes[...] = rng.standard_normal((6, 4))
    return codec


def test_codes_lie_row_by_row():
    rng = np.random.default_rng(3)
    codec, images = codec_of(rng).to(np.float64), rng.random((1, 3, 8, 8))
    assert codec.encode(images).ids.shape == (1, 4)
    values = rng.standard_normal((1, 4, 4))
    np.testing.assert_array_equal(codec.decode(values).data, codec.decoder(_grid(values)).data)
    z = codec.features(images)
    np.testing.assert_allclose(_grid(z.data), codec.encoder(codec.scale.to_data(images)).data, rtol=1e-12)


def _grid(values):
    """(1, 4, D) to (1, D, 2, 2): the second is top right."""
    return values.transpose(0, 2, 1).reshape(1, 4, 2, 2)


def test_the_loss_of_a_codec_by_hand_and_its_gradients():
    rng = np.random.default_rng(4)
    codec, images = codec_of(rng).to(np.float64).eval(), rng.random((2, 3, 8, 8))
    loss, numbers = codec_loss(codec, images, None)
    z = codec.features(images).data
    values = codec.book.codes[nearest_codes(z, codec.book.codes)]
    error = ((codec.decode(values).data - codec.scale.to_data(images)) ** 2).mean()
    assert numbers["error"] == pytest.approx(error, rel=1e-6)
    assert loss.item() == pytest.approx(error + 0.25 * ((z - values) ** 2).mean(), rel=1e-6)

    class Around(nn.Module):
        """The codec without its choice, which no difference quotient can follow."""

        def __init__(self):
            self.codec = codec

        def forward(self, images):
            return self.codec.decode(self.codec.features(images))

    assert check_directional(Around(), [images])


def test_a_codec_learns_and_uses_its_codes():
    rng = np.random.default_rng(5)
    codec = PictureCodec(8, 8, (8, 8), 4, rng=rng)
    colours = rng.random((6, 3)).astype(np.float32)

    def draw():
        chosen = colours[rng.integers(6, size=(8, 2, 2))].transpose(0, 3, 1, 2)         # four squares of six colours
        return chosen.repeat(4, 2).repeat(4, 3)

    optimizer, losses = Adam(codec.parameters(), lr=3e-3), []
    for _ in range(150):
        loss, numbers = codec_loss(codec, draw(), rng)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(numbers["error"])
    codec.eval()
    before = codec.book.codes.copy()
    images = draw()
    counts = np.bincount(codec.encode(images).ids.ravel(), minlength=8)
    codec_loss(codec, images, None)                                      # in eval mode the codes stay
    np.testing.assert_array_equal(codec.book.codes, before)
    assert np.mean(losses[-20:]) < 0.7 * np.mean(losses[:5]) and perplexity(counts) > 3
