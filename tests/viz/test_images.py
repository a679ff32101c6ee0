"""PNGs decode to the pixels that went in; overlays interpolate, compare and keep their bounds."""

import io
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinymm.viz.images import HEAT, data_uri, overlay, to_png

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda size: st.sampled_from([size, (1, *size), (3, *size)])
)
unit = st.floats(0, 1, width=32)
needs_pillow = pytest.mark.skipif(find_spec("PIL") is None, reason="needs pillow")


def decode(png):
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png)))


@needs_pillow
@given(hnp.arrays(np.uint8, shapes), st.integers(1, 4))
def test_bytes_survive_and_scale_repeats_pixels(image, scale):
    pixels = decode(to_png(image, scale))
    expected = np.kron(image, np.ones((scale, scale), np.uint8))  # over the last two axes
    if image.ndim == 3:
        expected = expected[0] if len(image) == 1 else np.moveaxis(expected, 0, -1)
    np.testing.assert_array_equal(pixels, expected)


@needs_pillow
@given(hnp.arrays(st.sampled_from([np.float32, np.float64]), shapes, elements=unit))
def test_floats_are_rounded_to_the_nearest_byte(image):
    pixels = decode(to_png(image)).astype(float) / 255
    expected = image[0] if image.shape[0] == 1 and image.ndim == 3 else np.moveaxis(image, 0, -1) if image.ndim == 3 \
        else image
    assert np.abs(pixels - expected).max() <= 0.5 / 255 + 1e-6


@needs_pillow
def test_booleans_are_black_and_white():
    np.testing.assert_array_equal(decode(to_png(np.eye(2, dtype=bool))), [[255, 0], [0, 255]])


def test_the_uri_holds_the_bytes():
    assert data_uri(b"\x89PNG").startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    "image",
    [np.full((2, 2), 1.01), np.full((2, 2), -0.01), np.full((2, 2), np.nan), np.zeros((2, 2), int), np.zeros((4, 2, 2)),
     np.zeros((0, 2)), np.zeros(3), np.zeros((2, 2, 3))],
)  # fmt: skip
def test_what_is_no_image_is_refused(image):
    with pytest.raises(ValueError, match="image"):
        to_png(image)
    with pytest.raises(ValueError, match="image"):
        overlay(image, np.ones((1, 1)))


def test_scale_and_weights_are_checked():
    with pytest.raises(ValueError, match="scale"):
        to_png(np.zeros((2, 2)), scale=0)
    for weights in (np.ones(3), np.full((2, 2), -1.0), np.full((2, 2), np.nan), np.zeros((0, 2))):
        with pytest.raises(ValueError, match="weights"):
            overlay(np.zeros((2, 2)), weights)
    with pytest.raises(ValueError, match="peak"):
        overlay(np.zeros((2, 2)), np.ones((2, 2)), peak=0.0)


@given(hnp.arrays(np.float32, shapes, elements=unit),
       hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=5),
                  elements=st.floats(0, 1)))  # fmt: skip
def test_overlay_is_an_image_of_the_same_size(image, weights):
    heat = overlay(image, weights)
    assert heat.shape == (3, *image.shape[-2:]) and heat.dtype == np.float32
    assert heat.min() >= 0 and heat.max() <= 1


def test_no_attention_leaves_a_grey_image():
    heat = overlay(np.random.default_rng(0).random((3, 6, 6)), np.zeros((2, 2)))
    np.testing.assert_array_equal(heat[0], heat[1])
    np.testing.assert_array_equal(heat[0], heat[2])


def test_a_constant_map_is_a_constant_overlay():
    heat = overlay(np.full((3, 7, 9), 0.5), np.full((2, 3), 0.2))
    assert np.ptp(heat, axis=(1, 2)).max() < 1e-6  # float32 rounding of the interpolation


def test_interpolation_is_bilinear_between_centres():
    torch = pytest.importorskip("torch")
    weights = np.random.default_rng(0).random((3, 4)).astype(np.float32) * 0.5  # below 0.85 / 1.4: no part is capped
    weights[0, 0] = 0.55
    a = torch.nn.functional.interpolate(torch.tensor(weights)[None, None], size=(13, 10), mode="bilinear",
                                        align_corners=False)
    a = a.numpy()[0, 0]
    heat = overlay(np.zeros((13, 10)), weights, peak=1.0)
    ramp = np.stack([np.interp(a, np.linspace(0, 1, len(HEAT)), channel) for channel in HEAT.T])
    np.testing.assert_allclose(heat, (1 - 1.4 * a) * 0.15 + 1.4 * a * ramp, atol=1e-5)


def test_one_peak_makes_maps_comparable():
    image = np.zeros((4, 4))
    weak, strong = np.full((1, 1), 0.1), np.full((1, 1), 0.9)
    np.testing.assert_allclose(overlay(image, weak), overlay(image, strong))
    assert overlay(image, weak, peak=0.9).sum() < overlay(image, strong, peak=0.9).sum()


def test_heat_grows_lighter_in_even_steps():
    linear = np.where(HEAT <= 0.04045, HEAT / 12.92, ((HEAT + 0.055) / 1.055) ** 2.4)  # sRGB to linear light
    lightness = 116 * np.cbrt(linear @ np.array([0.2126, 0.7152, 0.0722])) - 16  # CIE L*
    steps = np.diff(lightness)
    assert steps.min() > 12 and steps.max() < 2 * steps.min()
