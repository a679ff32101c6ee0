"""Pictures with a text that says which thing is meant: what each way of naming promises."""

import numpy as np
import pytest

from tinymm.data import COLOURS, SHAPES, SIZES, ShapesWorld, draw_guided, guiding_texts
from tinymm.data.shapes.guided import NAMINGS

SEEDS = range(3)


def words(text):
    return set(text.rstrip("?").split())


@pytest.mark.parametrize("naming", NAMINGS)
@pytest.mark.parametrize("compositions", ["seen", "held_out"])
def test_the_label_is_the_shape_of_what_is_meant(naming, compositions):
    data = draw_guided(40, np.random.default_rng(0), naming, compositions, size=8)
    world = ShapesWorld()
    pairs = world.held_out if compositions == "held_out" else world.seen
    assert data.images.shape == (40, 3, 8, 8) and set(data.texts) <= set(guiding_texts())
    for label, meant, other in zip(data.labels, data.meant, data.other):
        assert SHAPES[label] == meant.shape and (meant.colour, meant.shape) in pairs
        assert (other.colour, other.shape) in world.seen
        assert meant.colour != other.colour and meant.shape != other.shape and meant.size != other.size


@pytest.mark.parametrize("seed", SEEDS)
def test_a_text_names_one_thing_and_nothing_of_the_other(seed):
    for naming, names in (("hint", COLOURS), ("size", SIZES), ("colour", COLOURS), ("nothing", ())):
        data = draw_guided(30, np.random.default_rng(seed), naming, size=8)
        for text, meant in zip(data.texts, data.meant):
            told = words(text) & {*COLOURS, *SIZES}
            assert told == {getattr(meant, "size" if naming == "size" else "colour")} & set(names)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hint_is_beside_a_picture_that_tells_all(seed):
    hint, nothing = (draw_guided(30, np.random.default_rng(seed), naming, size=8) for naming in ("hint", "nothing"))
    assert all(thing.size == "large" for thing in hint.meant)
    np.testing.assert_array_equal(hint.images, nothing.images)
    np.testing.assert_array_equal(hint.labels, nothing.labels)


@pytest.mark.parametrize("naming", ["size", "colour"])
def test_without_the_text_either_thing_may_be_meant(naming):
    data = draw_guided(600, np.random.default_rng(0), naming, size=8)
    assert 0.42 < np.mean([thing.size == "large" for thing in data.meant]) < 0.58       # 4 standard deviations


def test_who_names_by_size_says_nothing_of_the_shape_and_who_names_by_colour_does():
    data = draw_guided(600, np.random.default_rng(0), "size", size=8)
    large = np.array([thing.size == "large" for thing in data.meant])
    shares = [np.bincount(data.labels[rows], minlength=len(SHAPES)) / rows.sum() for rows in (large, ~large)]
    assert np.abs(shares[0] - shares[1]).max() < 0.14
    asked = draw_guided(600, np.random.default_rng(0), "colour", size=8)
    red = np.array([thing.colour == "red" for thing in asked.meant])
    assert red.sum() > 30 and not (asked.labels[red] == SHAPES.index("circle")).any()   # a held-out pair


def test_another_naming_is_refused(rng):
    with pytest.raises(ValueError, match="draw_guided: naming must be one of hint, size, colour, nothing; got 'place'"):
        draw_guided(1, rng, "place")
