"""Image encoders beyond the contract: what each kind of network promises, what is pooled under a mask."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.data import colour_histograms, gradient_histograms
from tinymm.encoders import (
    ConvEncoder, ConvHistogramEncoder, FiLMConvEncoder, PatchEmbedding, ResidualColourEncoder, ResidualEncoder,
    VisionTransformer,
)
from tinymm.encoders.image import ResidualBlock, grid_positions, patches

from .cases import CASES, IMAGE, randomised

ENCODERS = {name: make for name, (modality, make) in CASES.items() if modality is IMAGE}
every_encoder = pytest.mark.parametrize("make", ENCODERS.values(), ids=ENCODERS)
seeds = st.integers(0, 2**32 - 1)


@every_encoder
def test_images_of_another_shape_are_refused(make, rng):
    with pytest.raises(ValueError, match=r"images must be \(B, 2, 8, 8\); got \(1, 3, 8, 8\)"):
        make(rng)(np.zeros((1, 3, 8, 8), np.float32))


# Convolutional -------------------------------------------------------------------------------------------------------


def test_image_regions_keep_their_place(rng):
    """A change in one corner reaches the regions around it, and no region far away (in eval mode)."""
    encoder = ConvEncoder(((4,), (6,), (8,)), size=32, rng=rng).eval()
    image = rng.random((1, 3, 32, 32), dtype=np.float32)
    changed = image.copy()
    changed[..., :4, :4] = 0
    difference = np.abs(encoder(image)[0].data - encoder(changed)[0].data).max(-1).reshape(8, 8)
    assert difference[0, 0] > 0 and difference[4:, 4:].max() == 0


def test_every_region_has_a_place_of_its_own():
    places = grid_positions(8, 8, 16).astype(np.float64)
    gaps = np.linalg.norm(places[:, None] - places[None], axis=-1) + 9 * np.eye(64)
    assert gaps.min() > 0.3
    with pytest.raises(ValueError, match="channels must be a multiple of 4; got 6"):
        grid_positions(2, 2, 6)


def test_in_the_brightness_channel_a_shape_has_no_colour(rng):
    encoder = ConvEncoder(((4,), (8,)), 8, glance=1, brightness=True, rng=rng).eval()
    encoder.layers[0].weight.data[:, :3] = 0  # reads the brightness alone
    grey = rng.random((2, 1, 8, 8)).astype(np.float32)
    red, cyan = (np.concatenate([grey * c for c in colour], 1) for colour in ((1, 0.2, 0.1), (0.3, 1, 1)))
    for one, other in zip(encoder(red)[:2], encoder(cyan)):
        np.testing.assert_array_equal(one.data, other.data)


def test_under_a_mask_a_glance_is_of_the_visible_regions(rng):
    """Each of its P² means by a loop; a cell of which nothing is visible is zero."""
    encoder = randomised(ConvEncoder(((3,), (4,)), 8, channels=2, glance=2, rng=rng), rng).eval()
    images, mask = rng.standard_normal((3, 2, 8, 8)), rng.random((3, 16)) < 0.5
    mask[0] = True
    mask[1].reshape(4, 4)[:2, :2] = False
    grid, visible = encoder.layers(images).data, mask.reshape(3, 4, 4)
    found = encoder(images, mask).pooled.data.reshape(3, 4, 2, 2)
    for b, r, c in np.ndindex(3, 2, 2):
        cell = slice(2 * r, 2 * r + 2), slice(2 * c, 2 * c + 2)
        seen = grid[b, :, *cell][:, visible[b, *cell]]
        np.testing.assert_allclose(found[b, :, r, c], seen.mean(1) if seen.size else np.zeros(4), atol=1e-13)
    assert not found[1, :, 0, 0].any()
    np.testing.assert_allclose(found[:1].reshape(1, -1), encoder(images[:1]).pooled.data, rtol=1e-12)


# Residual ------------------------------------------------------------------------------------------------------------


def test_a_block_that_adds_nothing_lets_value_and_gradient_through(rng):
    block = ResidualBlock(3, 3, rng=rng)
    block.bn2.weight.data[...] = 0
    x = tm.tensor(rng.standard_normal((2, 3, 5, 5)).astype(np.float32), requires_grad=True)
    y = block(x)
    g = rng.standard_normal(y.shape).astype(np.float32)
    y.backward(g)
    np.testing.assert_array_equal(y.data, np.maximum(x.data, 0))
    np.testing.assert_array_equal(x.grad, np.where(x.data > 0, g, 0))


@pytest.mark.parametrize("widths, stride", [((3, 3), 1), ((3, 5), 1), ((3, 3), 2), ((3, 6), 2)])
def test_a_block_equals_pytorchs_layers(widths, stride, rng):
    """F(x) + s(x) built from PyTorch's convolutions and norms, with the same parameters,
    in training and in evaluation."""
    torch = pytest.importorskip("torch")
    block = randomised(ResidualBlock(*widths, stride, rng=rng), rng)
    x = rng.standard_normal((4, widths[0], 6, 6))

    def batch_norm(x, layer):
        buffers = torch.tensor(layer.running_mean.copy()), torch.tensor(layer.running_var.copy())
        return torch.nn.functional.batch_norm(x, *buffers, *(torch.tensor(p.data) for p in (layer.weight, layer.bias)),
                                              block.training)

    def convolve(x, layer):
        return torch.nn.functional.conv2d(x, torch.tensor(layer.weight.data), stride=layer.stride,
                                          padding=layer.padding)

    for mode in (True, False):
        block.train(mode)
        start = torch.tensor(x)
        added = batch_norm(convolve(torch.relu(batch_norm(convolve(start, block.conv1), block.bn1)), block.conv2),
                           block.bn2)
        kept = batch_norm(convolve(start, block.shortcut[0]), block.shortcut[1]) \
            if len(list(block.shortcut.parameters())) else start
        np.testing.assert_allclose(block(x).data, torch.relu(added + kept).numpy(), rtol=1e-9, atol=1e-9)


def test_under_a_mask_the_mean_is_of_the_visible_regions(rng):
    encoder = randomised(ResidualEncoder((4, 8), 1, 8, channels=2, rng=rng), rng).eval()
    images, mask = rng.standard_normal((3, 2, 8, 8)), rng.random((3, 16)) < 0.5
    grid = encoder.blocks(encoder.stem(images)).data.reshape(3, 8, 16)
    for pooled, features, visible in zip(encoder(images, mask).pooled.data, grid, mask):
        np.testing.assert_allclose(pooled, features[:, visible].mean(1), atol=1e-13)


def recoloured_and_moved(images, rng):
    """The channels of each pixel exchanged at random, which keeps its brightness; and rows that change places in pairs,
    which keeps the pixels of each region of 2×2."""
    recoloured = np.take_along_axis(images, rng.random(images.shape).argsort(1), 1)
    return recoloured, images.reshape(len(images), 3, 4, 2, 8)[:, :, :, ::-1].reshape(images.shape)


@given(seeds)
def test_outlines_are_blind_to_colours_and_colours_to_outlines(seed):
    rng = np.random.default_rng(seed)
    encoder = randomised(ResidualColourEncoder((4, 8), 1, 8, colours=5, rng=rng), rng).eval()
    images = rng.random((2, 3, 8, 8))
    sequence, pooled, _ = encoder(images)
    for changed, kept in zip(recoloured_and_moved(images, rng), (slice(8), slice(8, None))):
        found, mean, _ = encoder(changed)
        np.testing.assert_allclose(found.data[..., kept], sequence.data[..., kept], atol=1e-12)
        np.testing.assert_allclose(mean.data[..., kept], pooled.data[..., kept], atol=1e-12)


def test_outlines_and_colours_are_seen(rng):
    encoder = ResidualColourEncoder((4, 8), 1, 8, rng=rng)
    images = rng.random((2, 3, 8, 8), dtype=np.float32)
    for changed, own in zip(recoloured_and_moved(images, rng), (slice(8, None), slice(8))):
        assert not np.allclose(encoder(changed).pooled.data[:, own], encoder(images).pooled.data[:, own], atol=1e-3)


def test_colours_need_regions_of_one_size(rng):
    with pytest.raises(ValueError, match="ResidualColourEncoder: size must be a multiple of 4 for 3 stages; got 30"):
        ResidualColourEncoder(size=30, rng=rng)
    with pytest.raises(ValueError, match=r"images must be \(B, 3, 32, 32\); got \(1, 1, 32, 32\)"):
        ResidualColourEncoder(rng=rng)(np.zeros((1, 1, 32, 32)))


# Vision Transformer --------------------------------------------------------------------------------------------------


@given(seeds)
def test_the_patch_convolution_is_one_linear_map_of_each_patch(seed):
    rng = np.random.default_rng(seed)
    channels, width, patch, rows, columns = map(int, rng.integers(1, 5, 5))
    embedding = randomised(PatchEmbedding(channels, width, patch, rng=rng), rng)
    images = rng.standard_normal((2, channels, patch * rows, patch * columns))
    one, other = (tm.tensor(images, requires_grad=True) for _ in range(2))
    y, z = embedding(one), embedding.by_patches(other)
    np.testing.assert_allclose(y.data, z.data, rtol=1e-10, atol=1e-12)
    g = rng.standard_normal(y.shape)
    gradients = [tm.grad(out, [x, *embedding.parameters()], g) for out, x in ((y, one), (z, other))]
    for a, b in zip(*gradients):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-9, atol=1e-11)


@given(seeds)
def test_patches_against_a_loop(seed):
    rng = np.random.default_rng(seed)
    size, rows, columns = map(int, rng.integers(1, 4, 3))
    images = rng.standard_normal((2, 3, rows * size, columns * size))
    found = patches(images, size)
    for n, (r, c) in enumerate(np.ndindex(rows, columns)):
        cut = images[:, :, r * size:(r + 1) * size, c * size:(c + 1) * size]
        np.testing.assert_array_equal(found[:, n], cut.reshape(2, -1))


def test_without_positions_patches_may_change_places(rng):
    """Attention knows no order: the class token stays as it is, the patches' features change places with them."""
    encoder = randomised(VisionTransformer(8, 2, 2, patch=4, size=12, channels=2, rng=rng), rng)
    images, order = rng.standard_normal((2, 2, 12, 12)), rng.permutation(9)
    cut = images.reshape(2, 2, 3, 4, 3, 4).transpose(0, 1, 2, 4, 3, 5).reshape(2, 2, 9, 4, 4)[:, :, order]
    mixed = cut.reshape(2, 2, 3, 3, 4, 4).transpose(0, 1, 2, 4, 3, 5).reshape(2, 2, 12, 12)
    assert not np.allclose(encoder(mixed)[1].data, encoder(images)[1].data)
    encoder.positions.data[...] = 0
    (sequence, pooled, _), (mixed_sequence, mixed_pooled, _) = encoder(images), encoder(mixed)
    np.testing.assert_allclose(mixed_pooled.data, pooled.data, rtol=1e-10)
    np.testing.assert_allclose(mixed_sequence.data, sequence.data[:, order], rtol=1e-10)


def test_the_class_token_sees_every_patch(rng):
    encoder = randomised(VisionTransformer(8, 2, 2, patch=4, size=12, channels=2, rng=rng), rng)
    images = tm.tensor(rng.standard_normal((1, 2, 12, 12)), requires_grad=True)
    gradient, = tm.grad(F.sum(encoder(images)[1] * rng.standard_normal(8)), images)
    assert np.abs(patches(gradient.data, 4)).max(-1).min() > 0


def test_a_mask_leaves_the_class_token_alone(rng):
    encoder = randomised(VisionTransformer(8, 2, 2, patch=4, size=12, channels=2, rng=rng), rng)
    images, mask = rng.standard_normal((2, 2, 12, 12)), rng.random((2, 9)) < 0.5
    np.testing.assert_array_equal(encoder(images, mask).pooled.data, encoder(images).pooled.data)


def test_errors_name_the_rule(rng):
    with pytest.raises(ValueError, match="VisionTransformer: patch must divide the size of the images, 10; got 4"):
        VisionTransformer(size=10, rng=rng)
    with pytest.raises(ValueError,
                       match="patches: the side of a patch, 4, must divide both sides of the images; got 8 and 6"):
        patches(np.zeros((1, 1, 8, 6)), 4)
    with pytest.raises(ValueError, match="ConvEncoder: size must be a multiple of 4 for 3 stages; got 30"):
        ConvEncoder(size=30, rng=rng)
    with pytest.raises(ValueError, match="glance must divide the side of the last grid, 2; got 4"):
        ConvEncoder(size=8, rng=rng)


def test_regions_have_the_learned_channels_and_the_fixed_ones(rng):
    """The first are those of a ConvEncoder of the brightness; the others' mean over a batch is 0, their variance 1."""
    encoder = ConvHistogramEncoder(((4,), (8,), (8,)), 32, rng=rng)
    plain = ConvEncoder(((4,), (8,), (8,)), 32, 1, rng=np.random.default_rng(1))
    plain.layers.load_state_dict(encoder.layers.state_dict())
    images = rng.random((6, 3, 32, 32)).astype(np.float32)
    regions = encoder.regions(images).data                               # (6, 8 + 148, 8, 8)
    np.testing.assert_array_equal(regions[:, :8], plain.regions(images.max(1, keepdims=True)).data)
    fixed = np.concatenate([gradient_histograms(images, 4), colour_histograms(images, 4), pixels_of(images)], 1)
    expected = (fixed - fixed.mean((0, 2, 3), keepdims=True)) / np.sqrt(fixed.var((0, 2, 3), keepdims=True) + 1e-5)
    np.testing.assert_allclose(regions[:, 8:], expected, rtol=1e-3, atol=1e-3)


def pixels_of(images):
    """The sixteen pixels of each 4×4 region, channel by channel: (B, 48, 8, 8)."""
    return np.stack([images[:, c, i::4, j::4] for c in range(3) for i in range(4) for j in range(4)], 1)


def test_histograms_refuse_to_be_differentiated(rng):
    encoder, image = ConvHistogramEncoder(((4,), (8,), (8,)), 32, rng=rng), np.zeros((1, 3, 32, 32), np.float32)
    assert encoder(tm.tensor(image)).pooled.shape == (1, encoder.pooled_width)
    with pytest.raises(ValueError, match="ConvHistogramEncoder: images must not require a gradient"):
        encoder(tm.tensor(image, requires_grad=True))


# Modulated by a context ---------------------------------------------------------------------------------------------


def test_film_begins_as_the_plain_network_and_then_follows_its_context(rng):
    film = FiLMConvEncoder(4, ((3,), (4, 8)), 8, glance=2, rng=np.random.default_rng(0)).eval()
    plain = ConvEncoder(((3,), (4, 8)), 8, glance=2, rng=np.random.default_rng(0)).eval()
    images, context = rng.standard_normal((2, 3, 8, 8)), rng.standard_normal((2, 4))
    for one, other in zip(film(images, context=context)[:2], plain(images)):
        np.testing.assert_array_equal(one.data, other.data)
    randomised(film, rng)
    assert not np.allclose(film(images, context=context).pooled.data, film(images, context=0 * context).pooled.data)


def test_film_scales_and_shifts_the_channels_of_every_convolution(rng):
    """Against the definition, for one convolution a stage."""
    film = randomised(FiLMConvEncoder(4, ((3,), (8,)), 8, glance=2, rng=rng), rng).eval()
    images, context = rng.standard_normal((2, 3, 8, 8)), rng.standard_normal((2, 4))
    conv, norm, _, pool, conv2, norm2, _ = film.layers
    grid = images
    for convolution, batch_norm, modulation, width in ((conv, norm, film.modulations[0], 3),
                                                       (conv2, norm2, film.modulations[1], 8)):
        told = context @ modulation.weight.data.T + modulation.bias.data
        gamma, beta = 1 + told[:, :width, None, None], told[:, width:, None, None]
        grid = F.relu(gamma * batch_norm(convolution(grid)) + beta)
        grid = pool(grid) if width == 3 else grid
    np.testing.assert_allclose(film.regions(images, context).data, grid.data, rtol=1e-12)


def test_film_needs_a_context_for_each_image(rng):
    film = FiLMConvEncoder(4, ((3,), (8,)), 8, glance=2, rng=rng)
    with pytest.raises(ValueError, match=r"FiLMConvEncoder: context must be \(2, 4\), a vector for each image; got"):
        film(rng.standard_normal((2, 3, 8, 8)), context=np.ones((1, 4)))
