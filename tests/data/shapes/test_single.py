"""Single shapes and small questions about scenes: bytes, counts, places, what counts as true."""

import numpy as np
import pytest

from tinymm.data.shapes import single
from tinymm.data.shapes.scene import Scene, Thing, place_holds
from tinymm.data.shapes.world import ShapesWorld, truth_accuracy


def thing(x, y):
    return Thing("red", "circle", "small", x=x, y=y, radius=0.11)


def test_pictures_are_kept_as_the_nearest_of_256_levels(monkeypatch):
    drawn = np.linspace(0, 1, 2 * 3 * 40 * 40, dtype=np.float32).reshape(2, 3, 40, 40)
    monkeypatch.setattr(single, "render", lambda scenes, rng, size: drawn[..., :size, :size])
    data = single.draw_shapes(2, np.random.default_rng(0), 8)
    assert data.size == (3, 8, 8)
    loaded = data.load(np.array([1, 0]))
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(np.rint(loaded * 255), np.rint(drawn[::-1, :, :8, :8] * 255))
    np.testing.assert_allclose(loaded, drawn[::-1, :, :8, :8], atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_as_many_captions_as_asked_for(n):
    world, rng = ShapesWorld(), np.random.default_rng(0)
    scenes = [Scene((thing(0.2, 0.3), Thing("blue", "square", "large", x=0.7, y=0.6, radius=0.2)))]
    assert [len(captions) for captions in world.captions(scenes, rng, n)] == [n]
    assert [len(captions) for captions in world.captions(scenes, rng)] == [5]


@pytest.mark.parametrize("x, y, holds", [(0.5, 0.5, True), (0.65, 0.36, True), (0.72, 0.5, False), (0.28, 0.5, False),
                                         (0.5, 0.72, False), (0.5, 0.28, False), (0.2, 0.2, False)])
def test_the_middle_ends_on_all_sides(x, y, holds):
    assert place_holds("middle", thing(x, y)) == holds


def test_what_is_true_and_leaves_something_out_does_not_count():
    scene = Scene((thing(0.2, 0.3), Thing("blue", "square", "large", x=0.7, y=0.6, radius=0.2)))
    assert truth_accuracy(["a red circle"], [scene]) == 0
    assert truth_accuracy(["a red circle and a blue square"], [scene]) == 1


def test_single_things_are_of_the_pairs_in_turn_and_their_captions_true():
    world, rng = ShapesWorld(), np.random.default_rng(0)
    scenes = single.single_scenes(world.seen, 60, rng)
    assert [scene.compositions for scene in scenes] == [{world.seen[i % len(world.seen)]} for i in range(60)]
    for scene in scenes:
        told = single.single_captions(scene, rng)
        thing, = scene.things
        assert told[0].endswith(f"{thing.colour} {thing.shape}") and 4 <= len(set(told)) == len(told) <= 5
        assert truth_accuracy(told, [scene] * len(told)) == 1


def test_partial_captions_tell_what_is_there_and_leave_out_as_much_as_asked():
    rng = np.random.default_rng(0)
    scenes = single.single_scenes([("orange", "cross"), ("red", "circle")], 400, rng)
    for scene in scenes[:100]:
        thing, = scene.things
        full, bare = (single.partial_caption(scene, rng, told) for told in (1.0, 0.0))
        assert bare == "thing" and full.startswith(f"{thing.size} {thing.colour} {thing.shape}")
        assert set(single.partial_caption(scene, rng).split()) <= {*full.split(), "thing"}
    told = [single.partial_caption(scene, rng, 0.7) for scene in scenes]
    for name in ("colour", "shape"):
        share = np.mean([getattr(scene.things[0], name) in text.split() for text, scene in zip(told, scenes)])
        assert abs(share - 0.7) < 0.1                                    # four standard errors


def test_single_things_have_the_radii_that_are_asked_for():
    radii = {"small": (0.30, 0.31), "large": (0.39, 0.40)}
    for scene in single.single_scenes([("red", "cross")], 50, np.random.default_rng(0), radii):
        thing, = scene.things
        low, high = radii[thing.size]
        assert low <= thing.radius <= high and 0 < thing.x - thing.radius < thing.x + thing.radius < 1
