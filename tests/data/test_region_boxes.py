"""Boxes lie where the things are; a crop is what the eye sees there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data import QuestionsWorld, ShapesWorld, crop_regions, grid_boxes, object_boxes, region_locations


@pytest.mark.parametrize("kind", ["seen", "held_out"])
def test_nearly_every_thing_of_the_shapes_world_gets_a_box_of_its_own(kind):
    rng, world = np.random.default_rng(3), ShapesWorld()
    scenes = world.sample(300, rng, kind)
    right = 0
    for scene, image in zip(scenes, world.render(scenes, rng)):
        boxes = object_boxes(image)
        owners = [k for k, t in enumerate(scene.things) for x1, y1, x2, y2 in boxes
                  if x1 < t.x < x2 and y1 < t.y < y2 and x2 - x1 < 2.5 * t.radius and y2 - y1 < 2.5 * t.radius]
        right += sorted(owners) == list(range(len(scene.things)))
    assert right >= 294  # two things of 300 scenes may touch, or a stain may shine


def test_scenes_of_questions_too():
    rng, world = np.random.default_rng(4), QuestionsWorld()
    asked = world.sample(200, rng)
    images = world.render([a.scene for a in asked], rng)
    assert np.mean([len(object_boxes(image)) == len(a.scene.things) for image, a in zip(images, asked)]) > 0.98


@given(st.integers(0, 2**32 - 1), st.integers(4, 20), st.integers(4, 20))
def test_a_rectangle_on_any_plain_background_is_found_exactly(seed, height, width):
    rng = np.random.default_rng(seed)
    image = np.tile(rng.random((3, 1, 1)), (1, height + 8, width + 8))
    image[:, 4:4 + height, 4:4 + width] = np.where(image[:, :1, :1] < 0.5, 1, 0)
    box, = object_boxes(image)
    np.testing.assert_allclose(box * np.tile([width + 8, height + 8], 2), [4, 4, 4 + width, 4 + height])


def test_an_empty_picture_has_no_objects_and_the_largest_come_first():
    assert object_boxes(np.full((3, 9, 9), 0.4)).shape == (0, 4)
    image = np.zeros((3, 32, 32))
    for k in range(5):
        image[k % 3, 1 + 6 * k:6 + 6 * k, 1:4 + 4 * k] = 1
    areas = region_locations(object_boxes(image, most=3)[None])[0, :, 4]
    assert len(areas) == 3 and (np.diff(areas) < 0).all()


@given(st.integers(1, 5), st.integers(1, 5))
def test_a_grid_covers_the_picture_once(rows, columns):
    boxes = grid_boxes(rows, columns)
    assert region_locations(boxes[None])[0, :, 4].sum() == pytest.approx(1)
    inside = np.random.default_rng(0).random((50, 2))
    hits = ((inside[:, None] >= boxes[:, :2]) & (inside[:, None] < boxes[:, 2:])).all(2)
    assert (hits.sum(1) == 1).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 9), st.integers(1, 9))
def test_crops_of_a_plane_are_the_plane(seed, size, height, width):
    """Linear interpolation is exact where the picture is linear, at most half a pixel from the edge."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.standard_normal(3)
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    image = np.tile(a * x + b * y[:, None] + c, (3, 1, 1))
    corners = np.sort(rng.random((4, 2, 2)), 1).reshape(4, 4)
    crops = crop_regions(image, corners, size)
    assert crops.shape == (4, 3, size, size) and crops.dtype == np.float32
    inside = (np.arange(size) + 0.5) / size
    for crop, (x1, y1, x2, y2) in zip(crops, corners):
        across = np.clip((x1 + (x2 - x1) * inside) * width, 0.5, width - 0.5)
        down = np.clip((y1 + (y2 - y1) * inside) * height, 0.5, height - 0.5)
        np.testing.assert_allclose(crop[1], a * across + b * down[:, None] + c, atol=1e-5)


def test_a_box_as_large_as_the_picture_gives_the_picture():
    image = np.random.default_rng(0).random((3, 6, 6))
    np.testing.assert_allclose(crop_regions(image, np.array([[0, 0, 1, 1]]), 6)[0], image, atol=1e-6)
    assert crop_regions(image, np.zeros((0, 4)), 6).shape == (0, 3, 6, 6)
