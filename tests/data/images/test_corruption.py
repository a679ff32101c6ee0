"""Pictures made worse: nothing at severity 0, bounds kept, means kept, areas as said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from tinymm.data import blurred, occluded

seeds = st.integers(0, 2**32 - 1)
severities = st.floats(0, 1)


def drawn(seed, dtype=np.float32):
    """Some images (B, C, H, W), of any shape, and the Generator after them."""
    rng = np.random.default_rng(seed)
    return rng.random((int(rng.integers(1, 5)), int(rng.choice([1, 3])),
                       *map(int, rng.integers(1, 12, 2)))).astype(dtype), rng


@given(seeds, st.sampled_from([np.float32, np.float64]))
def test_severity_0_is_the_identity(seed, dtype):
    images, rng = drawn(seed, dtype)
    for result in (blurred(images, 0.0), occluded(images, 0.0, rng)):
        assert np.array_equal(result, images) and result.dtype == dtype


@given(seeds, severities)
def test_values_stay_within_bounds_and_the_input_as_it_was(seed, severity):
    images, rng = drawn(seed)
    before = images.copy()
    blur, hidden = blurred(images, severity), occluded(images, severity, rng)
    axes = (2, 3)
    assert (blur <= images.max(axes, keepdims=True) + 1e-6).all()
    assert (blur >= images.min(axes, keepdims=True) - 1e-6).all()
    assert ((hidden == images) | (hidden == 0.5)).all()
    assert np.array_equal(images, before)


@given(seeds, severities)
def test_each_picture_has_its_own_severity(seed, severity):
    images, rng = drawn(seed)
    own = rng.random(len(images)) * severity
    together = blurred(images, own)
    for image, result, one in zip(images, together, own):
        assert np.allclose(blurred(image[None], one)[0], result, atol=1e-6)


@given(seeds)
def test_a_blur_in_the_middle_is_the_gaussian_filter(seed):
    """Far from the border, where the weights that lie outside are negligible."""
    image = np.zeros((40, 40))
    image[15:25, 15:25] = np.random.default_rng(seed).random((10, 10))
    sigma = 0.4 * 40 / 8
    expected = gaussian_filter(image, sigma, truncate=8)
    assert np.allclose(blurred(image[None, None], 0.4)[0, 0], expected, atol=1e-6)


@given(seeds, st.floats(0.01, 1))
def test_more_blur_leaves_less_contrast(seed, severity):
    images, _ = drawn(seed, np.float64)
    assert np.allclose(blurred(np.full((1, 1, 6, 9), 0.3), severity), 0.3)
    spread = [blurred(images, s).std((2, 3)) for s in (0, severity / 2, severity)]
    assert (spread[1] <= spread[0] + 1e-9).all()


@given(seeds, severities)
def test_what_is_covered_is_one_rectangle_of_that_area(seed, severity):
    rng = np.random.default_rng(seed)
    height, width = map(int, rng.integers(1, 20, 2))
    hidden = occluded(np.ones((3, 2, height, width)), severity, rng) == 0.5
    assert (hidden == hidden[:, :1]).all()                               # all channels alike
    for one in hidden[:, 0]:
        high, wide = one.any(1).sum(), one.any(0).sum()
        assert one.sum() == high * wide                                  # it has no holes
        assert abs(high - np.sqrt(severity) * height) <= 0.5 and abs(wide - np.sqrt(severity) * width) <= 0.5


def test_the_same_seed_covers_the_same_place_and_places_reach_every_corner():
    images = np.ones((400, 1, 8, 8))
    one, other = (occluded(images, 0.25, np.random.default_rng(0)) for _ in range(2))
    assert np.array_equal(one, other)
    hidden = (one == 0.5)[:, 0]
    assert all(hidden[:, y, x].any() for y in (0, 7) for x in (0, 7))
    assert abs(hidden.mean() - 0.25) < 1e-9


@pytest.mark.parametrize("change", [blurred, lambda images, severity: occluded(images, severity, None)])
@pytest.mark.parametrize("severity", [-0.1, 1.1, np.nan, [0.1, 0.2]])
def test_bad_severities_are_refused(change, severity):
    with pytest.raises(ValueError, match=r"severity must be in \[0, 1\], one number or one for each of 3 images; got"):
        change(np.zeros((3, 1, 4, 4)), severity)
