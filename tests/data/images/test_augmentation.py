"""Augmentation: every image in its own way, nothing invented, the middle stays where it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import affine_transform

from tinymm.data import cropped, flipped, noisy, shifted, turned

seeds = st.integers(0, 2**32 - 1)


def drawn(seed, dtype=np.float32):
    """Some images (B, C, H, W) that are not square, and the Generator after them."""
    rng = np.random.default_rng(seed)
    return rng.random((int(rng.integers(1, 6)), int(rng.choice([1, 3])),
                       *map(int, rng.integers(4, 9, 2)))).astype(dtype), rng


@given(seeds, st.integers(1, 3))
def test_shifted_images_are_windows_of_the_padded_image(seed, reach):
    images, rng = drawn(seed)
    height, width = images.shape[2:]
    for image, result in zip(images, shifted(images, reach, rng)):
        padded = np.pad(image, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
        places = range(2 * reach + 1)
        assert any(np.array_equal(padded[:, y:y + height, x:x + width], result) for y in places for x in places)
    assert shifted(images, 0, None) is images


def test_shifts_reach_every_place_and_differ_from_image_to_image(rng):
    ramp = np.tile(np.arange(9.0), (300, 1, 9, 1))
    middles = shifted(ramp, 2, rng)[:, 0, 4, 4]
    assert set(middles) == {2.0, 3.0, 4.0, 5.0, 6.0}


@given(seeds)
def test_a_crop_is_a_window(seed):
    images, rng = drawn(seed)
    size = tuple(int(rng.integers(1, side + 1)) for side in images.shape[2:])
    found = cropped(images, size, rng)
    assert found.shape == (*images.shape[:2], *size)
    for image, result in zip(images, found):
        places = np.ndindex(images.shape[2] - size[0] + 1, images.shape[3] - size[1] + 1)
        assert any(np.array_equal(image[:, y:y + size[0], x:x + size[1]], result) for y, x in places)


@given(seeds)
def test_a_flip_is_the_image_or_its_mirror_image(seed):
    images, rng = drawn(seed)
    for image, result in zip(images, flipped(images, rng)):
        assert np.array_equal(result, image) or np.array_equal(result, image[..., ::-1])


def test_half_of_the_images_are_flipped(rng):
    images = rng.random((2000, 1, 1, 2))
    share = (flipped(images, rng) != images).any((1, 2, 3)).mean()
    assert abs(share - 0.5) < 0.05  # four standard errors


def test_noise_has_the_deviation_asked_for_and_stays_in_range(rng):
    images = np.full((10, 3, 30, 30), 0.5, np.float32)
    noise = noisy(images, 0.05, rng) - images
    assert abs(noise.std() - 0.05) < 0.002 and abs(noise.mean()) < 0.002 and noise.dtype == np.float32
    strong = noisy(images, 1.0, rng)
    assert strong.min() == 0 and strong.max() == 1


@given(seeds, st.floats(1, 40), st.floats(0, 0.3))
def test_turning_is_scipys_affine_transform(seed, degrees, stretch):
    images, _ = drawn(seed, np.float64)
    found = turned(images, degrees, np.random.default_rng(seed), stretch)
    rng = np.random.default_rng(seed)  # the same draws
    angles = np.deg2rad(degrees) * (2 * rng.random(len(images)) - 1)
    scales = 1 + stretch * (2 * rng.random((2, len(images))) - 1)
    middle = (np.array(images.shape[2:]) - 1) / 2
    for image, angle, scale, result in zip(images, angles, scales.T, found):
        c, s = np.cos(angle), np.sin(angle)
        matrix = np.array([[c, -s], [s, c]]) / scale
        for channel, turned_channel in zip(image, result):
            expected = affine_transform(channel, matrix, middle - matrix @ middle, order=1, mode="nearest")
            np.testing.assert_allclose(turned_channel, expected, atol=1e-9)


@given(seeds)
def test_turning_keeps_dtype_range_and_what_is_even(seed):
    images, rng = drawn(seed)
    found = turned(images, 30, rng, 0.2)
    assert found.shape == images.shape and found.dtype == np.float32
    assert found.min() >= images.min() - 1e-6 and found.max() <= images.max() + 1e-6
    np.testing.assert_allclose(turned(np.full_like(images, 0.3), 30, rng, 0.2), 0.3, rtol=1e-5)


def test_a_crop_larger_than_the_image_is_refused(rng):
    with pytest.raises(ValueError, match=r"cropped: the window must lie within the images; got \(3, 9\) of \(8, 8\)"):
        cropped(np.zeros((1, 1, 8, 8)), (3, 9), rng)
