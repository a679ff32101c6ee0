"""Image encoders: a grid of features and one vector, exact gradients, and what each kind of network promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.encoders import ConvEncoder, PatchEmbedding, ResidualEncoder, VisionTransformer
from tinymm.encoders.image import ResidualBlock, patches

from .test_contract import check_gradients, randomised

ENCODERS = {
    "cnn": lambda rng, size=8: ConvEncoder(((4,), (8,)), size, channels=2, glance=1, rng=rng),
    "resnet": lambda rng, size=8: ResidualEncoder((4, 8), 1, size, channels=2, rng=rng),
    "vit": lambda rng, size=8: VisionTransformer(8, 2, 2, patch=4, size=size, channels=2, rng=rng),
}
every_encoder = pytest.mark.parametrize("make", ENCODERS.values(), ids=ENCODERS)
seeds = st.integers(0, 2**32 - 1)


@every_encoder
def test_shapes_and_dtype(make, rng):
    encoder = make(rng)
    sequence, pooled, _ = encoder(rng.random((3, 2, 8, 8), dtype=np.float32))
    assert sequence.shape == (3, encoder.grid[0] * encoder.grid[1], encoder.width) \
        and pooled.shape == (3, encoder.pooled_width)
    assert sequence.dtype == pooled.dtype == np.float32


@every_encoder
def test_gradients_of_pixels_and_parameters(make, rng):
    encoder = randomised(make(rng, 4), rng)
    x = rng.standard_normal((3, 2, 4, 4))
    check_gradients(encoder, lambda x: encoder(x)[0], [x], rng)
    check_gradients(encoder, lambda x: encoder(x)[1], [x], rng)


@every_encoder
def test_in_eval_mode_an_image_is_the_same_alone_and_in_company(make, rng):
    encoder = randomised(make(rng), rng).eval()
    images = rng.standard_normal((4, 2, 8, 8))
    for whole, alone in zip(encoder(images)[:2], encoder(images[2:3])):
        np.testing.assert_allclose(whole.data[2:3], alone.data, rtol=1e-10, atol=1e-12)


@every_encoder
def test_state_round_trip(make):
    one, other = make(np.random.default_rng(1)), make(np.random.default_rng(2))
    other.load_state_dict(one.state_dict())
    images = np.random.default_rng(3).random((2, 2, 8, 8), dtype=np.float32)
    np.testing.assert_array_equal(one.eval()(images)[1].data, other.eval()(images)[1].data)


@every_encoder
def test_images_of_another_shape_are_refused(make, rng):
    with pytest.raises(ValueError, match=r"images must be \(B, 2, 8, 8\); got \(1, 3, 8, 8\)"):
        make(rng)(np.zeros((1, 3, 8, 8), np.float32))


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
    encoder = randomised(ENCODERS["vit"](rng, 12), rng)
    images, order = rng.standard_normal((2, 2, 12, 12)), rng.permutation(9)
    cut = images.reshape(2, 2, 3, 4, 3, 4).transpose(0, 1, 2, 4, 3, 5).reshape(2, 2, 9, 4, 4)[:, :, order]
    mixed = cut.reshape(2, 2, 3, 3, 4, 4).transpose(0, 1, 2, 4, 3, 5).reshape(2, 2, 12, 12)
    assert not np.allclose(encoder(mixed)[1].data, encoder(images)[1].data)
    encoder.positions.data[...] = 0
    (sequence, pooled, _), (mixed_sequence, mixed_pooled, _) = encoder(images), encoder(mixed)
    np.testing.assert_allclose(mixed_pooled.data, pooled.data, rtol=1e-10)
    np.testing.assert_allclose(mixed_sequence.data, sequence.data[:, order], rtol=1e-10)


def test_the_class_token_sees_every_patch(rng):
    encoder = randomised(ENCODERS["vit"](rng, 12), rng)
    images = tm.tensor(rng.standard_normal((1, 2, 12, 12)), requires_grad=True)
    gradient, = tm.grad(F.sum(encoder(images)[1] * rng.standard_normal(8)), images)
    assert np.abs(patches(gradient.data, 4)).max(-1).min() > 0


def test_errors_name_the_rule(rng):
    with pytest.raises(ValueError, match="VisionTransformer: patch must divide the size of the images, 10; got 4"):
        VisionTransformer(size=10, rng=rng)
    with pytest.raises(ValueError,
                       match="patches: the side of a patch, 4, must divide both sides of the images; got 8 and 6"):
        patches(np.zeros((1, 1, 8, 6)), 4)
