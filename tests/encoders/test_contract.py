"""Every encoder: shapes, gradients of inputs and parameters, causality, state, errors."""

import numpy as np
import pytest

import tinymm as tm
from tinymm.encoders import CausalLSTM, CausalTransformer, ConvEncoder
from tinymm.encoders.image import grid_positions

TEXT = [CausalLSTM, CausalTransformer]


def text_encoder(kind, rng):
    options = {"heads": 2, "layers": 2} if kind is CausalTransformer else {"embedding": 5}
    return randomised(kind(11, 6, context=4, rng=rng, **options), rng)


def randomised(module, rng):
    """All parameters, norms too, away from their defaults of 1 and 0; in float64."""
    module.to(np.float64)
    for parameter in module.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape) * 0.4
    return module


def check_gradients(module, call, inputs, rng):
    """Inputs and all parameters against differences along random directions."""
    parameters = dict(module.named_parameters())

    def f(*values):
        for parameter, value in zip(parameters.values(), values[len(inputs):]):
            parameter.data, parameter._node = value.data, value._node
        return call(*values[:len(inputs)])

    kept = [p.data.copy() for p in parameters.values()]
    assert tm.testing.gradcheck(f, [*inputs, *kept], rng, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("kind", TEXT)
def test_text_features_have_exact_gradients(kind, rng):
    encoder = text_encoder(kind, rng)
    ids = rng.integers(0, 11, (2, 3))
    check_gradients(encoder, lambda context: encoder(ids, context=context).sequence, [rng.standard_normal((2, 4))], rng)


def test_image_regions_have_exact_gradients(rng):
    encoder = randomised(ConvEncoder(((3,), (4,)), size=4, channels=2, glance=1, rng=rng), rng)
    check_gradients(encoder, lambda x: encoder(x)[0], [rng.standard_normal((3, 2, 4, 4))], rng)
    check_gradients(encoder, lambda x: encoder(x)[1], [rng.standard_normal((3, 2, 4, 4))], rng)


def test_image_regions_keep_their_place(rng):
    """A change in one corner reaches the regions around it, and no region far away (in eval mode)."""
    encoder = ConvEncoder(((4,), (6,), (8,)), size=32, rng=rng).eval()
    image = rng.random((1, 3, 32, 32), dtype=np.float32)
    changed = image.copy()
    changed[..., :4, :4] = 0
    difference = np.abs(encoder(image)[0].data - encoder(changed)[0].data).max(-1).reshape(8, 8)
    assert difference[0, 0] > 0 and difference[4:, 4:].max() == 0


def test_errors_name_the_rule(rng):
    with pytest.raises(ValueError, match="ConvEncoder: size must be a multiple of 4 for 3 stages; got 30"):
        ConvEncoder(size=30, rng=rng)
    with pytest.raises(ValueError, match="glance must divide the side of the last grid, 2; got 4"):
        ConvEncoder(size=8, rng=rng)
    with pytest.raises(ValueError, match=r"images must be \(B, 3, 32, 32\); got \(1, 3, 16, 16\)"):
        ConvEncoder(rng=rng)(np.zeros((1, 3, 16, 16), np.float32))


@pytest.mark.parametrize("make", [lambda rng: ConvEncoder(((3,), (4,)), 8, glance=2, rng=rng),
                                  lambda rng: CausalLSTM(11, 6, context=4, rng=rng),
                                  lambda rng: CausalTransformer(11, 8, heads=2, context=4, rng=rng)])
def test_state_round_trip(make, rng):
    one, other = make(np.random.default_rng(1)), make(np.random.default_rng(2))
    other.load_state_dict(one.state_dict())
    for name, array in one.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], array)


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
