"""The reader of pictures reads what was painted; the judge of pictures counts what was asked for."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymm.data import ShapesWorld, judge
from tinymm.data.shapes.picture_judge import ASKED, asked_attributes
from tinymm.data.shapes.render import render
from tinymm.data.shapes.scene import COLOURS, SHAPES, SIZES, Scene, Thing
from tinymm.data.shapes.seeing import UNCLEAR, read_scene
from tinymm.data.shapes.world import RADII


def match(scene, seen):
    """Each thing of a scene with the seen one that lies nearest."""
    return [(thing, min(seen.things, key=lambda s: (s.x - thing.x) ** 2 + (s.y - thing.y) ** 2))
            for thing in scene.things]


@pytest.mark.parametrize("compositions", ["seen", "held_out"])
def test_it_reads_98_in_100_real_pictures_whole(compositions):
    rng, world = np.random.default_rng(11), ShapesWorld()
    scenes = world.sample(200, rng, compositions)
    right = 0
    for scene, image in zip(scenes, world.render(scenes, rng)):
        seen = read_scene(image)
        right += len(seen.things) == len(scene.things) and all(
            (a.colour, a.shape, a.size) == (b.colour, b.shape, b.size)
            and max(abs(a.x - b.x), abs(a.y - b.y), abs(a.radius - b.radius)) < 0.02 for a, b in match(scene, seen))
    assert right >= 0.98 * len(scenes)


def test_every_kind_of_thing_is_told_from_every_other():
    rng = np.random.default_rng(12)
    for colour in COLOURS:
        for shape in SHAPES:
            for size in SIZES:
                thing = Thing(colour, shape, size, *rng.uniform(0.3, 0.7, 2), rng.uniform(*RADII[size]))
                seen, = read_scene(render([Scene((thing,))], rng)[0]).things
                assert (seen.colour, seen.shape, seen.size) == (colour, shape, size)


def test_what_is_no_thing_of_the_world_is_unclear_or_nothing():
    rng = np.random.default_rng(13)
    assert read_scene(np.full((3, 32, 32), 0.1, np.float32)).things == ()
    assert read_scene(np.zeros((3, 32, 32), np.float32)).things == ()
    noise = rng.random((3, 32, 32), dtype=np.float32)
    assert all(thing.shape == UNCLEAR for thing in read_scene(noise).things)
    image = np.full((3, 32, 32), 0.1, np.float32)
    image[:, 4:28, 14:18] = np.array([0.95, 0.95, 0.95])[:, None, None]  # a white bar
    bar, = read_scene(image).things
    assert bar.shape == UNCLEAR and bar.colour == UNCLEAR
    assert len(read_scene(np.ones((3, 32, 32), np.float32)).things) == 1        # all bright: one thing, and no cloth


def slow_best(caption, scene):
    """The most attributes that any matching of mentions to things gets right, by `judge` of one mention at a time."""
    from tinymm.data.shapes.language import parse
    from tinymm.data.shapes.scene import place_holds, relation_holds
    reading = parse(caption)
    best = 0
    padded = [*scene.things, *[None] * len(reading.mentions)]
    for things in permutations(padded, len(reading.mentions)):
        held = 0
        for mention, thing in zip(reading.mentions, things):
            for name in ("colour", "shape", "size"):
                asked = getattr(mention, name)
                held += asked is not None and thing is not None and getattr(thing, name) == asked
        for claim in reading.claims:
            a = things[claim.subject]
            if claim.other is None:
                held += a is not None and place_holds(claim.word, a)
            else:
                b = things[claim.other]
                held += a is not None and b is not None and relation_holds(claim.word, a, b)
        best = max(best, held)
    return best


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_the_judge_finds_the_best_matching(seed):
    rng, world = np.random.default_rng(seed), ShapesWorld()
    asked, there = world.sample(2, rng)
    caption = world.captions([asked], rng, 1)[0][0]
    own, other = asked_attributes(caption, asked), asked_attributes(caption, there)
    assert all(all(own[kind]) for kind in (*ASKED, "things"))
    assert sum(sum(other[kind]) for kind in ASKED) == slow_best(caption, there)
    for kind in ASKED:
        assert len(own[kind]) == len(other[kind])
    exact = all(all(shown) for shown in other.values())
    verdict = judge(caption, there)
    assert exact == (verdict.true and verdict.complete and len(own["colour"]) == len(there.things))


def test_a_missing_thing_shows_nothing_and_one_too_many_is_told():
    a = Thing("red", "circle", "small", 0.2, 0.3, 0.13)
    b = Thing("blue", "cross", "small", 0.7, 0.3, 0.13)
    caption = "a small red circle left of a small blue cross"
    assert asked_attributes(caption, Scene((b,))) == {
        "colour": [False, True], "shape": [False, True], "size": [False, True], "position": [False], "things": [False]}
    assert asked_attributes(caption, Scene(())) == {
        "colour": [False] * 2, "shape": [False] * 2, "size": [False] * 2, "position": [False], "things": [False]}
    three = asked_attributes(caption, Scene((a, b, Thing("green", "square", "large", 0.5, 0.8, 0.2))))
    assert three["things"] == [False] and all(all(three[kind]) for kind in ASKED)
    assert asked_attributes("a red circle on the left and a blue cross on the right", Scene((a, b)))["size"] == []
    with pytest.raises(ValueError, match="asked_attributes: the caption must be in the grammar"):
        asked_attributes("red a", Scene((a,)))
