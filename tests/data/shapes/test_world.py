"""The shapes world: honest references, a judge that cannot be fooled, and splits that hold."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymm.data.shapes.language import PLACE_PHRASES, RELATION_PHRASES, VOCABULARY, parse
from tinymm.data.shapes.scene import (
    COLOURS,
    PLACES,
    RELATIONS,
    SHAPES,
    SIZES,
    Scene,
    Thing,
    clear_place,
    clear_relation,
    place_holds,
    relation_holds,
)
from tinymm.data.shapes.world import HELD_OUT, ShapesWorld, judge, references, truth_accuracy

WORLD = ShapesWorld()
RED, BLUE = Thing("red", "circle", "small", 0.2, 0.45, 0.11), Thing("blue", "cross", "large", 0.7, 0.5, 0.19)
SCENE = Scene((RED, BLUE))


@st.composite
def described_scenes(draw):
    """A scene of either kind, and one of its references."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    world = ShapesWorld(objects=(draw(st.sampled_from([2, 3])),))
    (scene,) = world.sample(1, rng, draw(st.sampled_from(["seen", "held_out"])))
    return scene, draw(st.sampled_from(references(scene, rng, n=8)))


@given(described_scenes())
def test_references_are_true_complete_and_short(described):
    scene, caption = described
    verdict = judge(caption, scene)
    assert verdict.grammatical and verdict.true and verdict.complete
    assert len(caption.split()) <= 20 and set(caption.split()) <= set(VOCABULARY)


@given(described_scenes(), st.data())
def test_one_wrong_attribute_is_false(described, data):
    scene, caption = described
    words = caption.split()
    attributes = [i for i, word in enumerate(words) if word in {*COLOURS, *SHAPES, *SIZES}]
    i = data.draw(st.sampled_from(attributes))
    (kind,) = [kind for kind in (COLOURS, SHAPES, SIZES) if words[i] in kind]
    words[i] = data.draw(st.sampled_from([word for word in kind if word != words[i]]))
    if words[i - 1] in ("a", "an"):
        words[i - 1] = "an" if words[i] == "orange" else "a"
    verdict = judge(" ".join(words), scene)
    # Every thing is mentioned and no two share colour and shape, so no other thing can make it true.
    assert verdict.grammatical and not verdict.true


@given(described_scenes())
def test_opposite_directions_are_false(described):
    scene, caption = described
    opposite = {"left": "right", "right": "left", "above": "below", "below": "above", "top": "bottom", "bottom": "top"}
    swapped = " ".join(opposite.get(word, word) for word in caption.split())
    if swapped != caption:  # "in the middle" has no opposite
        assert judge(swapped, scene).grammatical and not judge(swapped, scene).true


@given(described_scenes(), st.randoms(use_true_random=False))
def test_scrambled_words_are_rejected_or_lose_no_noun(described, shuffle):
    _, caption = described
    words = caption.split()
    shuffle.shuffle(words)
    reading = parse(" ".join(words))
    if reading is not None:  # a lucky permutation must still account for every noun
        assert len(reading.mentions) == sum(word in SHAPES for word in words)


def test_scrambled_words_are_mostly_rejected():
    rng, shuffle = np.random.default_rng(0), random.Random(0)
    captions = [WORLD.captions([scene], rng, n=1)[0][0].split() for scene in WORLD.sample(300, rng)]
    for words in captions:
        shuffle.shuffle(words)
    assert sum(parse(" ".join(words)) is not None for words in captions) <= 3


def test_references_rarely_fit_another_scene():
    rng = np.random.default_rng(0)
    scenes = WORLD.sample(1000, rng)
    captions = [references(scene, rng, n=1)[0] for scene in scenes]
    assert truth_accuracy(captions, scenes) == 1
    assert truth_accuracy(captions, scenes[1:] + scenes[:1]) < 0.01  # measured: 0.0003


@st.composite
def readings(draw):
    """Any sentence of the grammar, as words, with the number of mentions and claims it must be read as."""

    def mention():
        words = [draw(st.sampled_from(kind)) for kind in (SIZES, COLOURS, SHAPES)]
        words = words[draw(st.integers(0, 1)) :]
        return " ".join(["an" if words[0] == "orange" else "a", *words])

    clauses, mentions, claims = [], 0, 0
    for _ in range(draw(st.integers(1, 3))):
        opening = draw(st.sampled_from(["there is", "is", ""]))
        said = []
        for is_relation in draw(st.lists(st.booleans(), min_size=opening == "is", max_size=3)):
            word = draw(st.sampled_from(RELATIONS if is_relation else PLACES))
            said.append(
                f"{draw(st.sampled_from(RELATION_PHRASES[word]))} {mention()}" if is_relation else PLACE_PHRASES[word]
            )
            mentions += is_relation
        words = ["there is"] * (opening == "there is") + [mention()] + ["is"] * (opening == "is")
        clauses.append(" ".join(words + [" and ".join(said)]))
        mentions, claims = mentions + 1, claims + len(said)
    return " ".join(" and ".join(clauses).split()), mentions, claims


@given(readings())
def test_the_whole_grammar_parses(sentence):
    caption, mentions, claims = sentence
    reading = parse(caption)
    assert (len(reading.mentions), len(reading.claims)) == (mentions, claims)
    assert len(judge(caption, SCENE).claims) == mentions + claims


@given(st.lists(st.sampled_from(VOCABULARY), max_size=12))
def test_the_judge_accepts_any_words(words):
    verdict = judge(" ".join(words), SCENE)
    assert verdict.grammatical or not (verdict.true or verdict.complete or verdict.claims)


@pytest.mark.parametrize(
    "caption",
    [
        "",
        "a",
        "and",
        "a red",
        "red circle",
        "a circle",
        "a red circle above",
        "a red circle is",
        "a red circle and",
        "a red circle a blue cross",
        "an red circle",
        "a orange circle",
        "a red small circle",
        "there is there is a red circle",
        "there is a red circle is above a blue cross",
        "a red circle left a blue cross",
        "a red circle in the top",
        "a red circle above a blue cross below",
        "A red circle",
    ],
)
def test_not_in_the_grammar(caption):
    assert parse(caption) is None


@pytest.mark.parametrize(
    ("caption", "true", "complete"),
    [
        ("a red circle", True, False),
        ("a red circle and a blue cross", True, True),
        ("a red circle above a blue cross", False, True),  # it lies higher, but by too little
        ("a blue cross to the right of a small red circle and on the left", False, True),
        ("a red circle on the left and there is a large blue cross on the right", True, True),
        ("a red circle and a red circle", False, False),  # two mentions are two things
        ("a red circle and a blue cross and a red circle", False, True),
        ("a red circle left of a red circle", False, False),
    ],
)
def test_verdicts(caption, true, complete):
    verdict = judge(caption, SCENE)
    assert (verdict.grammatical, verdict.true, verdict.complete) == (True, true, complete)


def test_mentions_may_be_matched_in_any_order():
    twins = Scene((Thing("red", "cross", "small", 0.8, 0.5, 0.1), Thing("red", "circle", "small", 0.2, 0.5, 0.1)))
    assert judge("a red circle left of a red cross", twins).true
    same = Scene((Thing("red", "cross", "small", 0.8, 0.5, 0.1), Thing("red", "cross", "small", 0.2, 0.5, 0.1)))
    assert judge("a red cross left of a red cross", same).true
    assert not judge("a red cross above a red cross", same).true


CLAUSES = ["a red circle", "a blue cross", "a green square", "a large blue cross", "a red circle is on the left",
           "a red circle is on the right"]


@given(st.lists(st.sampled_from(CLAUSES), min_size=3, max_size=6), st.randoms())
def test_of_more_mentions_than_things_the_order_does_not_matter(clauses, rng):
    verdict = judge(" and ".join(clauses), SCENE)
    shuffled = rng.sample(clauses, len(clauses))
    other = judge(" and ".join(shuffled), SCENE)
    assert not verdict.true and not other.true
    assert verdict.complete == other.complete == (
        any("red" in clause for clause in clauses) and any("blue" in clause for clause in clauses))
    assert sum(holds for _, holds in verdict.claims) == sum(holds for _, holds in other.claims)


def test_an_endless_caption_is_judged_at_once():
    verdict = judge(" and ".join(["a red circle"] * 200), SCENE)
    assert verdict.grammatical and not verdict.true


centres = st.floats(0, 1)


@given(centres, centres, centres, centres)
def test_clear_words_are_true_and_have_true_opposites(x, y, x2, y2):
    a, b = Thing("red", "cross", "small", x, y, 0.1), Thing("blue", "cross", "small", x2, y2, 0.1)
    relation, place = clear_relation(a, b), clear_place(a)
    if relation:
        opposite = {"left": "right", "right": "left", "above": "below", "below": "above"}[relation]
        assert clear_relation(b, a) == opposite
        assert relation_holds(relation, a, b) and not relation_holds(opposite, a, b)
    if place:
        assert place_holds(place, a)
    assert not (place_holds("left", a) and place_holds("right", a))


@pytest.mark.parametrize("objects", [(2,), (3,)])
def test_held_out_pairs_never_occur_in_seen_scenes(objects):
    world, rng = ShapesWorld(objects=objects), np.random.default_rng(0)
    for scene in world.sample(500, rng, "seen"):
        assert not scene.compositions & set(HELD_OUT)
    for scene in world.sample(500, rng, "held_out"):
        assert len(scene.compositions & set(HELD_OUT)) == 1
        assert len(scene.compositions) == len(scene.things) == objects[0]


def test_held_out_table_touches_every_word_once_or_twice():
    assert sorted(colour for colour, _ in HELD_OUT) == sorted(COLOURS)
    assert all(1 <= sum(shape == used for _, used in HELD_OUT) <= 2 for shape in SHAPES)


def test_things_lie_inside_the_frame_and_apart():
    for scene in ShapesWorld(objects=(3,)).sample(300, np.random.default_rng(0)):
        for i, a in enumerate(scene.things):
            assert a.radius < min(a.x, a.y, 1 - a.x, 1 - a.y)
            assert all(np.hypot(a.x - b.x, a.y - b.y) > a.radius + b.radius for b in scene.things[:i])


def test_same_seed_same_world():
    def everything(seed):
        rng = np.random.default_rng(seed)
        scenes = WORLD.sample(20, rng)
        return scenes, WORLD.render(scenes, rng), WORLD.captions(scenes, rng)

    scenes, images, captions = everything(1)
    again, images_again, captions_again = everything(1)
    assert scenes == again and captions == captions_again
    np.testing.assert_array_equal(images, images_again)
    assert everything(2)[0] != scenes


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([16, 32, 48]), st.integers(0, 4))
def test_pictures(seed, size, n):
    rng = np.random.default_rng(seed)
    world = ShapesWorld(size=size)
    scenes = world.sample(n, rng)
    images = world.render(scenes, rng)
    assert images.shape == (n, 3, size, size) and images.dtype == np.float32
    assert np.all((images >= 0) & (images <= 1))
    for scene, image in zip(scenes, images):
        for thing in scene.things:  # every shape covers its centre, brighter than any cloth
            assert image[:, int(thing.y * size), int(thing.x * size)].max() > 0.45


def test_no_two_pictures_are_alike():
    images = WORLD.render([SCENE] * 300, np.random.default_rng(0))  # more than one chunk
    assert len({image.tobytes() for image in images}) == 300


def test_the_pixel_at_the_centre_tells_the_colour():
    rng = np.random.default_rng(0)
    scenes = WORLD.sample(400, rng)
    images = WORLD.render(scenes, rng)
    seen = [(t.colour, images[i, :, int(t.y * 32), int(t.x * 32)]) for i, s in enumerate(scenes) for t in s.things]
    means = {c: np.mean([pixel for colour, pixel in seen if colour == c], axis=0) for c in COLOURS}
    guesses = [min(means, key=lambda c: np.sum((pixel - means[c]) ** 2)) for _, pixel in seen]
    assert np.mean([guess == colour for guess, (colour, _) in zip(guesses, seen)]) > 0.98


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"held_out": [("red", "star")]}, "pairs of a colour and a shape"),
        ({"held_out": [("red", shape) for shape in SHAPES]}, "leave every colour"),
        ({"objects": (1,)}, "2s and 3s"),
        ({"objects": ()}, "2s and 3s"),
    ],
)
def test_impossible_worlds(arguments, message):
    with pytest.raises(ValueError, match=message):
        ShapesWorld(**arguments)


def test_wrong_calls_say_so():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="compositions"):
        WORLD.sample(1, rng, "unseen")
    with pytest.raises(ValueError, match="has none"):
        ShapesWorld(held_out=()).sample(1, rng, "held_out")
    with pytest.raises(ValueError, match="one caption per scene"):
        truth_accuracy([], [])
    with pytest.raises(ValueError, match="clear descriptions; got 0"):
        references(Scene((RED, Thing("blue", "cross", "small", 0.38, 0.63, 0.1))), rng)
